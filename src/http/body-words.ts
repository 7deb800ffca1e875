// The words of a body for people, where a manifest finds none: a gateway's page, a plain text, XML, or JSON of another shape. They are
// not clean yet, and are shown only behind `cleanText`.

import { memberOf } from "../config/member.js";

/** So much of a body is looked at, in characters. */
const mostRead = 262_144;

/** Returns the text that a person would read in the body, without tags; empty when there is none. Takes time in proportion to what is read. */
export function bodyWords(pieces: readonly string[], contentType = ""): string {
  const { text, isWhole } = beginning(pieces);
  const type = contentType.toLowerCase();
  const isHtml = type.includes("html") || /^\s*<(?:!doctype|html|head|body)\b/i.test(text);
  const isMarkup = isHtml || type.includes("xml") || /^\s*<[?a-z]/i.test(text);
  if (!isMarkup) return /^\s*(?:\{\s*\}|\[\s*\]|null)?\s*$/.test(text) ? "" : oneLine(text.replaceAll("\\/", "/"));
  // Of what is cut, the last text may end in the middle of a secret.
  const words = oneLine(textOf(isWhole ? text : text.slice(0, text.lastIndexOf("<"))));
  return words === "" && !isHtml ? oneLine(text) : words;
}

function beginning(pieces: readonly string[]): { readonly text: string; readonly isWhole: boolean } {
  let text = "";
  for (const piece of pieces) {
    text += piece.slice(0, mostRead - text.length);
    if (text.length === mostRead) return { text, isWhole: false };
  }
  return { text, isWhole: true };
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim();
}

/** What stands in them is for no reader. */
const unread: Readonly<Record<string, RegExp>> = {
  script: /<\/script/gi,
  style: /<\/style/gi,
  template: /<\/template/gi,
  svg: /<\/svg/gi,
};
/** They stand within a word or a sentence; any other tag is a space. */
const inline = new Set("a abbr b bdi code em font i kbd mark q s small span strong sub sup tt u var wbr".split(" "));
const tagName = /<\/?([a-z][\w:.-]*)/iy;

/** Returns the text between the tags. Each step begins behind the one before, so that no part is read twice. */
function textOf(markup: string): string {
  const texts: string[] = [];
  let at = 0;
  while (at < markup.length) {
    const open = markup.indexOf("<", at);
    if (open === -1) break;
    texts.push(unescaped(markup.slice(at, open)));
    const step = stepOver(markup, open);
    texts.push(step.text);
    at = step.end;
  }
  if (at < markup.length) texts.push(unescaped(markup.slice(at)));
  return texts.join("");
}

interface Step {
  /** What it stands for. */
  readonly text: string;
  /** The place behind it. */
  readonly end: number;
}

/** Returns what begins with the `<` at `open`: a comment, a CDATA section, a tag with what nobody reads, or a bare `<`. */
function stepOver(markup: string, open: number): Step {
  const endBehind = (end: string, from: number) => {
    const found = markup.indexOf(end, from);
    return found === -1 ? markup.length : found + end.length;
  };
  if (markup.startsWith("<!--", open)) return { text: " ", end: endBehind("-->", open + 4) };
  if (markup.startsWith("<![CDATA[", open)) {
    const end = endBehind("]]>", open + 9);
    return { text: markup.slice(open + 9, end).replace(/\]\]>$/, ""), end };
  }
  tagName.lastIndex = open;
  const name = tagName.exec(markup)?.[1]?.toLowerCase();
  if (name === undefined && !/^<[!?/]/.test(markup.slice(open, open + 2))) return { text: "<", end: open + 1 };
  const closing = name !== undefined && markup[open + 1] !== "/" ? memberOf(unread, name) : undefined;
  const end = endBehind(">", open + 1);
  if (!closing || markup[end - 2] === "/") return { text: inline.has(name ?? "") ? "" : " ", end };
  closing.lastIndex = end;
  const close = closing.exec(markup)?.index;
  return { text: " ", end: close === undefined ? markup.length : endBehind(">", close) };
}

const entities: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: " " };

function unescaped(text: string): string {
  return text.replaceAll(
    /&(?:#(\d{1,7})|#x([\da-f]{1,6})|(amp|lt|gt|quot|apos|nbsp));/gi,
    (whole, decimal, hex, name) => {
      if (name !== undefined) return memberOf(entities, String(name).toLowerCase()) ?? whole;
      const code = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal);
      return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
    },
  );
}
