// Postgres's own parser, as WebAssembly. A text that it can't parse is left for Postgres to refuse.

import { createRequire } from "node:module";

type Parser = typeof import("libpg-query");

const require = createRequire(import.meta.url);
let parser: Parser | undefined;

let renewing: Promise<void> | undefined;

/** Loads the parser, before the first statement, or waits until a fresh one has replaced it. */
export async function loadParser(): Promise<void> {
  parser ??= await fresh();
  await renewing;
}

/** Returns the statements of `text`; undefined when it can't be parsed. */
export function parse(text: string): readonly unknown[] | undefined {
  try {
    return parser?.parseSync(text).stmts;
  } catch (cause) {
    // A text too deep for the parser's stack leaks memory, and after some thirty of these the parser answers no more.
    if (!(parser && cause instanceof parser.SqlError)) renew();
    return undefined;
  }
}

function renew(): void {
  const renewal = fresh().then((instance) => {
    parser = instance;
  });
  renewing = renewal.catch(() => undefined);
}

async function fresh(): Promise<Parser> {
  const path = require.resolve("libpg-query");
  for (const key of Object.keys(require.cache)) if (key.includes("libpg-query")) delete require.cache[key];
  const instance: Parser = require(path);
  await instance.loadModule();
  return instance;
}
