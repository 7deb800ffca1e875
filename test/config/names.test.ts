// Names in throughline.yaml that Postgres or a schema could not keep: each is one line with its place.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { readConfig } from "../../src/app/open.js";

const folder = mkdtempSync(join(tmpdir(), "throughline-names-"));
afterAll(() => rmSync(folder, { recursive: true }));

const long = "n".repeat(64);

function mistakesOf(apis: string): string {
  const file = join(folder, "throughline.yaml");
  writeFileSync(file, `postgres: postgres://x@127.0.0.1/x\napis:\n${apis}`);
  try {
    readConfig(file, { TOKEN: "t" });
    return "none";
  } catch (cause) {
    return cause instanceof Error ? cause.message.replaceAll(`${file}:`, "") : String(cause);
  }
}

const hubspot = (tables: string) => `  hubspot:\n    token: \${TOKEN}\n    tables: ${tables}\n`;

test.each([
  [hubspot(`{contacts: {as: ${long}}}`), /^5: apis\.hubspot\.tables\.contacts\.as: is longer than the 63 bytes/],
  [hubspot(`[contacts, ${long}]`), /^5: apis\.hubspot\.tables: "n{64}" is longer than the 63 bytes .* "as: NAME"/],
  [
    `  ${long}:\n    connector: hubspot\n    token: \${TOKEN}\n`,
    /^3: apis\.n{64}: a schema has a name of at most 63 bytes/,
  ],
  [
    hubspot("{contacts: {rename: {__proto__: p}}}"),
    /^5: apis\.hubspot\.tables\.contacts\.rename\.__proto__: is no name/,
  ],
  [hubspot("{contacts: {unique: []}}"), /^5: apis\.hubspot\.tables\.contacts\.unique: /],
])("a name that can't be kept is one line (%#)", (apis, says) => {
  const mistakes = mistakesOf(apis);
  expect(mistakes).toMatch(says);
  expect(mistakes.split("\n")).toHaveLength(1);
});

test.each(["constructor", "toString", "valueOf", "hasOwnProperty"])(
  "an API, a table or a column may be called %s",
  (name) => {
    expect(
      mistakesOf(
        `  ${name}: {connector: hubspot, token: "\${TOKEN}", tables: {contacts: {columns: [${name}], rename: {${name}: a}}}}\n`,
      ),
    ).toBe("none");
    expect(mistakesOf(hubspot(`{contacts: {unique: [${name}], as: ${name}}}`))).toBe("none");
    expect(mistakesOf(hubspot("[contacts]").replace("${TOKEN}", `\${${name}}`))).toContain(name);
  },
);
