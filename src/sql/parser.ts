// Postgres's own parser, as WebAssembly. It only judges what is worth judging: what it can't parse is Postgres's to refuse.

import { createRequire } from "node:module";

type Parser = typeof import("libpg-query");

const require = createRequire(import.meta.url);
let parser: Parser | undefined;

let renewing: Promise<void> | undefined;

/** To be awaited before the first statement; resolves when the parser is as good as new. */
export async function loadParser(): Promise<void> {
  parser ??= await fresh();
  await renewing;
}

/** The statements of `text`; undefined when it can't be parsed. */
export function parse(text: string): readonly unknown[] | undefined {
  try {
    return parser?.parseSync(text).stmts;
  } catch (cause) {
    // Too deep for its stack: it leaks, and after some thirty of these it answers nothing any more.
    if (!(parser && cause instanceof parser.SqlError)) renew();
    return undefined;
  }
}

function renew(): void {
  const renewed = fresh().then((loaded) => {
    parser = loaded;
  });
  renewing = renewed.catch(() => undefined);
}

async function fresh(): Promise<Parser> {
  const path = require.resolve("libpg-query");
  for (const cached of Object.keys(require.cache)) if (cached.includes("libpg-query")) delete require.cache[cached];
  const loaded: Parser = require(path);
  await loaded.loadModule();
  return loaded;
}
