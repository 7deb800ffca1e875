// What is known of the database's functions: the versions whose bodies have been read, and which of them may write to a mirror.

import type { Pool } from "pg";
import { inSlicesUnless, type Slices } from "../config/slices.js";
import { readMentions } from "../sql/mentions.js";
import { type CallingFunction, type IsBuiltin, type NamedRelation, writersAmong } from "./call-graph.js";
import { type CandidateFunction, type FunctionBody, loadBodies, loadCandidates } from "./candidate-functions.js";
import { readTree } from "./function-tree.js";
import { type MentionKey, nameKey, oidKey } from "./mention-keys.js";

interface KnownFunction extends CallingFunction, CandidateFunction {}

export class KnownFunctions {
  private known: ReadonlyMap<number, KnownFunction> = new Map();
  private writers: ReadonlySet<number> = new Set();

  constructor(
    private readonly pool: Pool,
    private readonly stopping: () => boolean,
  ) {}

  /** Returns whether this version of a function may write to a mirror; undefined when its body has not been read. */
  mayWrite(oid: number, version: string): boolean | undefined {
    return this.known.get(oid)?.version === version ? this.writers.has(oid) : undefined;
  }

  /** Reads the bodies that are new or have changed. `keywords` call nothing where they stand alone. Throws what Postgres does. */
  async read(keywords: ReadonlySet<string>): Promise<void> {
    const known = new Map<number, KnownFunction>();
    const unread = new Map<number, CandidateFunction>();
    await loadCandidates(this.pool, (portion) => {
      for (const candidate of portion) {
        const before = this.known.get(candidate.oid);
        if (before?.version === candidate.version) known.set(candidate.oid, { ...before, ...candidate });
        else unread.set(candidate.oid, candidate);
      }
    });
    for await (const bodies of loadBodies(this.pool, [...unread.values()])) {
      await inSlicesUnless(this.stopping, readBodies(bodies, unread, keywords, known));
      if (this.stopping()) return;
    }
    this.known = known;
  }

  /** Finds which functions may write to one of `tables`, and returns them. A call without a schema never leads to a function that `isBuiltin`. */
  async findWriters(tables: readonly NamedRelation[], isBuiltin: IsBuiltin): Promise<CandidateFunction[]> {
    const writers = await inSlicesUnless(this.stopping, writersAmong([...this.known.values()], tables, isBuiltin));
    if (writers) this.writers = writers;
    return [...this.writers].flatMap((oid) => this.known.get(oid) ?? []);
  }
}

/** Reads bodies into `known`. It yields after every slice of work. */
function* readBodies(
  bodies: readonly FunctionBody[],
  candidates: ReadonlyMap<number, CandidateFunction>,
  keywords: ReadonlySet<string>,
  known: Map<number, KnownFunction>,
): Slices<void> {
  for (const body of bodies) {
    const candidate = candidates.get(body.oid);
    const { writes, calls } = yield* body.tree === null ? keysInText(body.source, keywords) : keysInTree(body.tree);
    const mentions = { writes: Uint32Array.from(writes), calls: Uint32Array.from(calls) };
    if (candidate) known.set(body.oid, { ...candidate, version: body.version, ...mentions });
  }
}

interface MentionKeys {
  readonly writes: ReadonlySet<MentionKey>;
  readonly calls: ReadonlySet<MentionKey>;
}

function* keysInText(source: string, keywords: ReadonlySet<string>): Slices<MentionKeys> {
  const writes = new Set<MentionKey>();
  const calls = new Set<MentionKey>();
  yield* readMentions(source, ({ kind, name: { schema, table }, isWord }) => {
    if (kind === "table") writes.add(nameKey(schema, table));
    else if (!(isWord && keywords.has(table))) calls.add(nameKey(schema, table));
  });
  return { writes, calls };
}

function* keysInTree(tree: string): Slices<MentionKeys> {
  const { writes, calls } = readTree(tree);
  yield;
  return { writes: new Set([...writes].map(oidKey)), calls: new Set([...calls].map(oidKey)) };
}
