// Has the unique indexes that are away come back, for a proxy or behind a pull, and says aloud which went and which came.

import type { Pool } from "pg";
import { loadMirrors } from "../mirror/catalogue.js";
import { bringBack } from "../mirror/index-return.js";
import { missingIndexesOf, missingIndexWords } from "../mirror/missing-index.js";
import { holds } from "../mirror/roles.js";
import { asAdmin, type Opened } from "./open.js";

/** Builds each index that need be away no longer. Returns a sentence for each that is away still; `on`: where it is looked whether any is. */
export async function tendIndexes(opened: Opened, on: Pool): Promise<readonly string[]> {
  if (!(await holds(on, "select exists (select from throughline.mirror where missing_indexes <> '{}')"))) return [];
  const incomplete = async () => (await loadMirrors(on)).filter(({ missingIndexes }) => missingIndexes.size > 0);
  const mirrors = await incomplete();
  const built = await asAdmin(opened, ({ pool }) => bringBack(pool, mirrors));
  for (const column of built) opened.log.info(`the unique index of ${column} is back`);
  return (await incomplete()).flatMap((mirror) =>
    missingIndexesOf(mirror).map((missing) => `${mirror.schema}.${mirror.table}: ${missingIndexWords(missing)}`),
  );
}

/** Returns the work of a proxy's round, which tells of each index once. */
export function indexTender(opened: Opened, on: Pool): () => Promise<void> {
  let told: readonly string[] = [];
  return async () => {
    const sentences = await tendIndexes(opened, on);
    for (const sentence of sentences) if (!told.includes(sentence)) opened.log.warn(sentence);
    told = sentences;
  };
}
