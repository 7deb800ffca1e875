// Postgres's own parser, as WebAssembly. A text that it can't parse is left for Postgres to refuse.

import { createRequire } from "node:module";

type Parser = typeof import("libpg-query");

const require = createRequire(import.meta.url);
let parser: Parser | undefined;

/** Returns the statements of `text`; undefined when it can't be parsed. */
export async function parse(text: string): Promise<readonly unknown[] | undefined> {
  parser ??= await fresh();
  try {
    return parser.parseSync(text).stmts;
  } catch (cause) {
    // A text too deep for the parser's stack leaks memory, and after some thirty of these the parser answers no more.
    if (!(cause instanceof parser.SqlError)) parser = undefined;
    return undefined;
  }
}

async function fresh(): Promise<Parser> {
  const path = require.resolve("libpg-query");
  for (const key of Object.keys(require.cache))
    if (key.includes("libpg-query")) Reflect.deleteProperty(require.cache, key);
  const instance: Parser = require(path);
  await instance.loadModule();
  return instance;
}
