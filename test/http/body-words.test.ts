// What a person would read in a body that is no JSON of the API: a page, a plain text, XML, JSON of another shape.

import fc from "fast-check";
import { expect, test } from "vitest";
import { bodyWords } from "../../src/http/body-words.js";

const seed = 15;

test.each([
  ["a plain text", "text/plain", "Value rejected by approval 7\n", "Value rejected by approval 7"],
  ["a text of several lines", undefined, " one\r\n\ttwo  three ", "one two three"],
  [
    "a page",
    "text/html",
    "<html><head><title>403</title></head><body>Denied by policy 12</body></html>",
    "403 Denied by policy 12",
  ],
  [
    "a page that nothing calls one",
    undefined,
    "<!DOCTYPE html><p>Bad <b>requ</b>est</p><p>Try&nbsp;later</p>",
    "Bad request Try later",
  ],
  [
    "a page with code",
    "text/html",
    "<style>p{a:'</p>'}</style><script>if(a<b)x()</script ><p>Gone</p><!-- <p>no</p> -->",
    "Gone",
  ],
  [
    "a page with entities",
    "text/html",
    "a &lt;b&gt; &amp; &#39;c&#x27; &quot;d&quot; &unknown; &#x110000;",
    `a <b> & 'c' "d" &unknown; &#x110000;`,
  ],
  [
    "XML",
    "application/xml",
    '<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>No <![CDATA[<right>]]></Message></Error>',
    "AccessDenied No <right>",
  ],
  ["XML that has its words in attributes", "text/xml", '<error code="7" text="no"/>', '<error code="7" text="no"/>'],
  [
    "JSON of another shape",
    "application/json",
    '{"fault": {"faultstring": "Quota\\/day"}}',
    '{"fault": {"faultstring": "Quota/day"}}',
  ],
  ["a text that compares", "text/plain", "1 < 2 and <b> is a tag", "1 < 2 and <b> is a tag"],
  ["an unfinished tag", "text/html", "Busy <a href='", "Busy"],
  ["nothing to read", "text/html", "<html></html>", ""],
  ["an empty object", "application/json", " {} ", ""],
  ["an empty body", undefined, "", ""],
])("%s is read", (_, type, body, words) => {
  expect(bodyWords([body], type)).toBe(words);
});

const word = fc.stringMatching(/^[a-zA-Z0-9äß€]{1,12}$/);
const sentence = fc.array(word, { minLength: 1, maxLength: 8 }).map((words) => words.join(" "));
const around = fc.constantFrom(
  (text: string) => text,
  (text: string) => `<html><body>${text}</body></html>`,
  (text: string) => `<!doctype html><html><head><style>b{}</style></head><body><h1>${text}</h1></body>`,
  (text: string) => `<HTML><script>var a = "<p>";</script><DIV class='a'>${text}</DIV>`,
  (text: string) => `<?xml version="1.0"?><e xmlns:m="m"><m:t>${text}</m:t></e>`,
  (text: string) => `<p><svg><path d="M0"/></svg>${text}<br/></p>`,
  (text: string) => `{"error": {"reason": "${text}"}}`,
);

test("what a body says is found in whatever it stands, at whichever places it is cut in pieces", () => {
  fc.assert(
    fc.property(sentence, around, fc.nat(), (text, wrap, at) => {
      const body = wrap(text);
      const cut = at % (body.length + 1);
      const words = bodyWords([body.slice(0, cut), body.slice(cut)]);
      expect(words).toContain(text);
      expect(words).toBe(bodyWords([body]));
    }),
    { seed },
  );
});

test("P15: any text at all has words of a bounded length", () => {
  const piece = fc.oneof(
    fc.constantFrom("<script", "<!--", "-->", "<", ">", "</script>", "<![CDATA[", "&#0;", "<svg/>"),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 200 }), (pieces) => {
      expect(bodyWords(pieces, "text/html").length).toBeLessThanOrEqual(pieces.join("").length);
    }),
    { seed },
  );
  expect(bodyWords(["<script".repeat(1_000_000)], "text/html").length).toBeLessThan(300_000);
  expect(bodyWords(["a".repeat(1_000_000)]).length).toBeLessThan(300_000);
});
