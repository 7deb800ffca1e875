// The rules of the style that can be a test.

import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Top to bottom: a folder imports only protocol/ and what stands above it. */
const layers = [
  "config",
  "observe",
  "postgres",
  "sql",
  "http",
  "manifest",
  "mirror",
  "upstream",
  "connectors",
  "journal",
  "write",
  "sync",
  "proxy",
  "app",
  "cli",
];

/** They pick what others offer: the command line, and the public face. */
const topFiles = ["src/main.ts", "src/index.ts"];

function filesBelow(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((name) => /\.(ts|mjs|sql|yaml)$/.test(name) && !name.includes("node_modules"));
}

const own = [...filesBelow("protocol"), ...filesBelow("src")];
const sandbox = filesBelow("packages/sandbox/src");
const all = [...own, ...sandbox, ...filesBelow("test"), ...filesBelow("scripts")];
const text = (file: string) => readFileSync(join(root, file), "utf8");
const importsOf = (file: string) =>
  [...text(file).matchAll(/from "(\.[^"]+)"/g)].map(([, path]) => normalize(join(dirname(file), path ?? "")));
const layerOf = (file: string) => relative("src", file).split("/")[0] ?? "";

describe("layers", () => {
  test.each(own.filter((file) => file.endsWith(".ts")))("%s imports only what stands above it", (file) => {
    for (const imported of importsOf(file)) {
      if (file.startsWith("protocol/")) expect(imported, `${file} imports ${imported}`).toMatch(/^protocol\//);
      if (file.startsWith("protocol/") || topFiles.includes(file) || imported.startsWith("protocol/")) continue;
      const mine = layers.indexOf(layerOf(file));
      const theirs = layers.indexOf(layerOf(imported));
      expect(mine, `${file} is in no layer`).toBeGreaterThanOrEqual(0);
      expect(theirs, `${file} imports ${imported}`).toBeGreaterThanOrEqual(0);
      expect(theirs, `${file} imports ${imported}`).toBeLessThanOrEqual(mine);
    }
  });

  test("a sandbox imports nothing of ours", () => {
    for (const file of sandbox) {
      for (const imported of importsOf(file)) expect(imported).toMatch(/^packages\/sandbox\/src\//);
    }
  });

  test("protocol/ knows bytes and order: it imports no socket and no library", () => {
    for (const file of filesBelow("protocol")) expect(text(file), file).not.toMatch(/from "(?!\.)/);
  });
});

test.each(all)("%s has at most 300 lines", (file) => {
  expect(text(file).trimEnd().split("\n").length).toBeLessThanOrEqual(300);
});

test("installed SQL is ASCII: a database's encoding may have no other characters", () => {
  const folder = "src/postgres/install";
  for (const name of readdirSync(join(root, folder))) {
    const bytes = Buffer.from(text(`${folder}/${name}`));
    expect(
      bytes.every((byte) => byte < 128),
      name,
    ).toBe(true);
  }
});

test("shared code names no connector", () => {
  const connectors = readdirSync(join(root, "src/connectors"), { withFileTypes: true }).filter((entry) =>
    entry.isDirectory(),
  );
  const names = new RegExp(connectors.map(({ name }) => name).join("|"), "i");
  const knowing = ["src/connectors/", "src/cli/demo/shows/"];
  for (const file of own.filter((name) => !knowing.some((folder) => name.startsWith(folder)))) {
    expect(text(file), file).not.toMatch(names);
  }
});

test("a file opens with what it is for", () => {
  for (const file of [...own, ...sandbox]) expect(text(file).replace(/^#!.*\n/, ""), file).toMatch(/^(\/\/|--|#) \S/);
});

test("there is no cast but to a brand or out of a bit field, and nothing is left to do", () => {
  const casts = /[^*] as (?!const\b|[a-z]+ [a-z])/;
  for (const file of [...own, ...sandbox].filter(
    (name) => name.endsWith(".ts") && name !== "protocol/pending-replies.ts",
  )) {
    const code = text(file)
      .replaceAll(/^(?:import|export)(?: type)? \{[^}]*\} from [^;]*;$/gm, "")
      .replaceAll(/`[^`]*`|"[^"\n]*"/g, '""')
      .split("\n")
      .filter((line) => !/^\s*(\/\/|\*|\/\*|import|export \*)/.test(line))
      .join("\n");
    expect(code, file).not.toMatch(casts);
    expect(text(file), file).not.toMatch(/TODO|FIXME|XXX/);
  }
});

test("no test stands beside the older Postgres versions: their packages bring a pg of their own", () => {
  expect(filesBelow("test/postgres")).toEqual([]);
});

test("a data listener is never async", () => {
  for (const file of own) expect(text(file), file).not.toMatch(/\.on\("data", async/);
});

test.each(readdirSync(join(root, "test/faults/mutants")))("the mutant %s still applies", (patch) => {
  execFileSync("git", ["apply", "--check", join(root, "test/faults/mutants", patch)], { cwd: root });
});
