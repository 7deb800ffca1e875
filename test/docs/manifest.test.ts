// docs/manifest.md knows every key that a manifest can have.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { isRecord } from "../../src/config/json.js";
import { manifestJsonSchema } from "../../src/manifest/manifest.js";

const text = readFileSync(fileURLToPath(new URL("../../docs/manifest.md", import.meta.url)), "utf8");

function keysOf(schema: unknown): string[] {
  if (Array.isArray(schema)) return schema.flatMap(keysOf);
  if (!isRecord(schema)) return [];
  const own = isRecord(schema["properties"]) ? Object.keys(schema["properties"]) : [];
  return [...own, ...Object.values(schema).flatMap(keysOf)];
}

test("no key of the manifest is missing from its description", () => {
  const keys = [...new Set(keysOf(manifestJsonSchema()))];
  expect(keys).toContain("retry_after");
  expect(keys.filter((key) => !new RegExp(`\`[^\`]*\\b${key}\\b[^\`]*\``).test(text))).toEqual([]);
});
