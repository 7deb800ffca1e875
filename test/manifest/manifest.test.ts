// A key of several columns in a manifest: its pointers, and the placeholders that it allows.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { readYaml } from "../../src/config/yaml.js";
import { manifestSchema } from "../../src/manifest/manifest.js";

const keys = readFileSync(new URL("../support/keys.yaml", import.meta.url), "utf8");

test("a key of several columns has as many pointers", () => {
  const wrong = keys.replace("key: [/fields/repo, /id]", "key: /id");
  expect(() => readYaml("keys.yaml", wrong, manifestSchema)).toThrow(
    "keys.yaml:13: tables.issues.record.key: has as many pointers as the key has columns",
  );
});

test("a key of several columns is no {key}", () => {
  const wrong = keys.replace('PATCH: "/records/{key.id}"', 'PATCH: "/records/{key}"');
  expect(() => readYaml("keys.yaml", wrong, manifestSchema)).toThrow(
    "keys.yaml:31: tables.issues.write.update.one.PATCH: a key of several columns is {key.repo}, {key.id}, not {key}",
  );
});
