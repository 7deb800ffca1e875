// One slip in a manifest is one message, or a few: what follows from it is not told beside it. Whole manifests are spoilt, line by line.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { expect, test } from "vitest";
import { ConfigError, readYaml } from "../../src/config/yaml.js";
import { manifestSchema } from "../../src/manifest/manifest.js";

const linesAt = (path: string) => readFileSync(fileURLToPath(new URL(path, import.meta.url)), "utf8").split("\n");
const manifests = [
  linesAt("../support/foreign/desk.yaml"),
  linesAt("../support/foreign/shelf.yaml"),
  linesAt("../../src/connectors/hubspot/manifest.yaml"),
  linesAt("../../src/connectors/stripe/manifest.yaml"),
];

/** Slips of the hand; undefined: the line is gone. */
const slips: readonly ((line: string) => string | undefined)[] = [
  () => undefined,
  (line) => line.replace(/([a-z_])([a-z_]+):/, "$1x$2:"),
  (line) => line.replace(/[}\]]\s*$/, ""),
  (line) => line.replace('"', ""),
  (line) => line.replace(": ", ":"),
  (line) => line.replace(/: ([a-z])/, ": x$1"),
  (line) => ` ${line}`,
  (line) => `\t${line}`,
];

function mistakesOf(lines: readonly (string | undefined)[]): readonly string[] {
  try {
    readYaml("my.yaml", lines.filter((line) => line !== undefined).join("\n"), manifestSchema);
    return [];
  } catch (cause) {
    if (cause instanceof ConfigError) return cause.mistakes;
    throw cause;
  }
}

test("one slip of the hand, anywhere in a manifest, has few messages, and none of them is told twice", {
  timeout: 60_000,
}, () => {
  fc.assert(
    fc.property(fc.constantFrom(...manifests), fc.nat(), fc.constantFrom(...slips), (lines, n, slip) => {
      const at = n % lines.length;
      const mistakes = mistakesOf(lines.map((line, index) => (index === at ? slip(line) : line)));
      expect(mistakes.length).toBeLessThanOrEqual(12);
      expect(new Set(mistakes).size).toBe(mistakes.length);
    }),
    { seed: 15, numRuns: 100 },
  );
});

const spoilt = (manifest: number, right: string, wrong: string) => {
  const text = manifests[manifest]?.join("\n") ?? "";
  expect(text).toContain(right);
  return mistakesOf(text.replace(right, wrong).split("\n"));
};

test.each([
  ["a quote that is missing", 2, '"{columns}"', '{columns}"'],
  ["a misspelt key that has to be there", 0, "    key: id", "    kei: id"],
  ["a misspelt key that aliases share", 3, "      list:", "      lsit:"],
  ["an alias of no anchor", 3, "*update", "*updat"],
  ["a name that is used in many places and given in none", 1, "  token: {", "  tokn: {"],
])("%s is one message", (_, manifest, right, wrong) => {
  expect(spoilt(manifest, right, wrong)).toHaveLength(1);
});
