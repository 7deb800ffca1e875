// The ends of a connection, by the client or by Postgres, are the ends that a direct connection has.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { copyData, execute, flush, message, parse, query, sync, terminate, unnamed } from "./build.js";
import { type DirectAndProxied, startDirectAndProxied } from "./direct-and-proxied.js";
import { login, play } from "./session.js";
import { transcript } from "./transcript.js";

const big = "select repeat('x', 1000000), i from generate_series(1, 8) i";
const malformed = Buffer.from([0x51, 0, 0, 0, 3]);

let both: DirectAndProxied;
beforeAll(async () => {
  both = await startDirectAndProxied();
});
afterAll(() => both.close());

describe("P10: a client that has said all, and only listens, hears the whole answer", () => {
  test.each<[string, string, readonly Buffer[]]>([
    ["to a Query", "T D C Z", [query("select 1")]],
    ["to a Query of several megabytes", "T D D D D D D D D C Z", [query(big)]],
    ["to Queries sent at once", "T D C Z T D C Z T D C Z", [query("select 1"), query("select 2"), query("select 3")]],
    ["to extended messages", "1 2 T D D D D D D D D C Z", [unnamed(big), sync]],
    ["to messages that it never synced", "1 2 T D C", [unnamed("select 1"), flush]],
    ["to messages that it neither synced nor flushed, which is nothing", "", [unnamed("select 1")]],
    [
      "to COPY TO STDOUT",
      "H d d d c C Z",
      [query("copy (select repeat('x', 1000000) from generate_series(1, 3)) to stdout")],
    ],
    [
      "to a COPY FROM STDIN that it leaves open",
      "C G E E",
      [query("create temp table t (i int); copy t from stdin"), copyData("1\n")],
    ],
    ["to all but the Query that it did not finish", "T D C Z", [query("select 1"), query("select 2").subarray(0, 8)]],
    ["to a statement that failed", "E", [parse("selekt"), execute(), flush]],
  ])("%s", async (_, letters, sent) => {
    await same({ steps: [Buffer.concat(sent), "FIN"], ended: true }, letters);
  });
});

describe("P10: a connection ends as a direct one does", () => {
  test("by Terminate, with more behind it", async () => {
    await same({ steps: [query("select 1"), terminate, query("select 2")], ended: true });
  });

  test.each<[string, readonly (Buffer | string)[]]>([
    ["whose length is impossible, behind one that is answered", [query("select 1"), malformed, query("select 2")]],
    ["whose length is impossible, after a wait", [query("select 1"), "Z", malformed]],
    ["that is longer than its kind may be", [query("select 1"), "Z", message("D", "S", "x".repeat(20_000), "\0")]],
  ])("by a message %s: Postgres closes without a word, and only the proxy says that it did", async (_, steps) => {
    const script = { steps, ended: true };
    const said = await run("direct", script);
    expect(said.map((line) => line[0]).join(" ")).toBe("T D C Z");
    for (const by of ["proxied", "asleep"] as const) {
      const lines = await run(by, script);
      expect(lines.slice(0, said.length)).toEqual(said);
      expect(lines.slice(said.length).map((line) => line.replace(/^.*"C(\w+)","M([^"]*)".*$/, "$1 $2"))).toEqual([
        "08006 throughline: the connection to Postgres was lost",
      ]);
    }
  });

  test.each(["proxied", "asleep"] as const)("by Postgres, which says why (%s)", async (by) => {
    const { raw, processId } = await known(by);
    await both.stack.admin.query("select pg_terminate_backend($1)", [processId]);
    await raw.untilEnd();
    expect(transcript(raw.messages).at(-1)).toContain("57P01");
  });

  test.each(["proxied", "asleep"] as const)(
    "for Postgres too, when a client is gone in a transaction (%s)",
    async (by) => {
      const { raw, processId } = await known(by);
      raw.send(query("begin"));
      await raw.until("Z");
      raw.socket.destroy();
      while ((await session(processId)).length > 0);
    },
  );

  test.each(["proxied", "asleep"] as const)(
    "for Postgres too, when a client is gone in the middle of an answer (%s)",
    async (by) => {
      const { raw, processId } = await known(by);
      raw.send(query("copy (select repeat('x', 10000) from generate_series(1, 1000000)) to stdout"));
      await raw.until("d");
      raw.socket.destroy();
      while ((await session(processId)).length > 0);
    },
  );
});

test.each(["proxied", "asleep"] as const)("P10: a notification reaches a client that is idle (%s)", async (by) => {
  const { raw } = await known(by);
  raw.send(query("listen news"));
  await raw.until("Z");
  await both.stack.admin.query("notify news, 'from afar'");
  expect((await raw.until("A")).toString("latin1", 9)).toBe("news\0from afar\0");
  raw.send(query("select 1"));
  await raw.until("Z");
  raw.socket.destroy();
});

/** Postgres says the same directly and through either proxy. */
async function same(
  script: { readonly steps: readonly (Buffer | string)[]; readonly ended: boolean },
  letters = "T D C Z",
): Promise<void> {
  const said = await run("direct", script);
  expect(said.map((line) => line[0]).join(" ")).toBe(letters);
  expect(await run("proxied", script)).toEqual(said);
  expect(await run("asleep", script)).toEqual(said);
}

async function run(
  by: "direct" | "proxied" | "asleep",
  script: { steps: readonly (Buffer | string)[]; ended: boolean },
) {
  return transcript(await play(await login(both[by], both.stack.database), script, "step by step"));
}

async function known(by: "proxied" | "asleep") {
  const raw = await login(both[by], both.stack.database);
  const keyData = raw.messages.find((bytes) => bytes[0] === 0x4b);
  if (!keyData) throw new Error("Postgres sent no BackendKeyData");
  return { raw, processId: keyData.readInt32BE(5) };
}

async function session(processId: number): Promise<unknown[]> {
  return (await both.stack.admin.query("select from pg_stat_activity where pid = $1", [processId])).rows;
}
