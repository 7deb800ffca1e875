// CancelRequests through the proxy do what they do at Postgres itself.

import type { Client } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cancelRequest, protocol30, query, startup, terminate } from "./build.js";
import { type DirectAndProxied, startDirectAndProxied } from "./direct-and-proxied.js";
import { Raw } from "./raw.js";
import { transcript } from "./transcript.js";

let both: DirectAndProxied;
beforeAll(async () => {
  both = await startDirectAndProxied();
});
afterAll(() => both.close());

describe.each(["proxied", "asleep"] as const)("P10: through a proxy (%s)", (by) => {
  test.each([
    ["3.0", protocol30],
    ["3.2", protocol30 + 2],
  ])("a CancelRequest cancels what runs, with the key of protocol %s", async (_, code) => {
    const { raw, processId, key } = await sleeping(by, code);
    await cancelled(by, cancelRequest(processId, key));
    await raw.until("Z");
    raw.send(query("select 'alive'"));
    await raw.until("Z");
    raw.send(terminate);
    await raw.untilEnd();
    const letters = transcript(raw.messages).map((line) => line[0]);
    expect(letters.slice(letters.indexOf("T"))).toEqual(["T", "E", "Z", "T", "D", "C", "Z"]);
    expect(transcript(raw.messages).find((line) => line.startsWith("E"))).toContain("57014");
  });

  test("a CancelRequest that comes byte by byte cancels as well", async () => {
    const { raw, processId, key } = await sleeping(by);
    const request = new Raw(both[by]);
    await request.sendCut(cancelRequest(processId, key), 1);
    await request.untilEnd();
    await raw.until("E");
    raw.socket.destroy();
  });

  test("a CancelRequest with a wrong key is closed without a word and cancels nothing", async () => {
    const { raw, processId, key } = await sleeping(by);
    const wrong = Buffer.from(key);
    wrong[0] = (key[0] ?? 0) ^ 1;
    await cancelled(by, cancelRequest(processId, wrong));
    expect(await waitEvent(both.stack.admin, processId)).toBe("PgSleep");
    await cancelled(by, cancelRequest(processId, key));
    await raw.until("E");
    raw.socket.destroy();
  });

  test("the process id is Postgres's own", async () => {
    const { raw, processId, key } = await sleeping(by);
    await cancelled(by, cancelRequest(processId, key));
    await raw.until("Z");
    raw.send(query("select pg_backend_pid()"));
    expect((await raw.until("D")).toString("latin1")).toContain(String(processId));
    raw.socket.destroy();
  });
});

/** A session whose query Postgres is busy with. */
async function sleeping(by: "proxied" | "asleep", code = protocol30) {
  const raw = new Raw(both[by]);
  raw.send(startup(Object.entries({ user: "app", database: both.stack.database }), code));
  const keyData = await raw.until("K");
  await raw.until("Z");
  raw.send(query("select pg_sleep(600)"));
  const processId = keyData.readInt32BE(5);
  while ((await waitEvent(both.stack.admin, processId)) !== "PgSleep");
  return { raw, processId, key: keyData.subarray(9) };
}

async function waitEvent(admin: Client, processId: number): Promise<string | null> {
  const { rows } = await admin.query("select wait_event from pg_stat_activity where pid = $1", [processId]);
  return rows[0]?.wait_event ?? null;
}

/** Sends the request on a connection of its own, which is closed without a word when Postgres has acted. */
async function cancelled(by: "proxied" | "asleep", request: Buffer): Promise<void> {
  const raw = new Raw(both[by]);
  raw.send(request);
  await raw.untilEnd();
  expect(raw.messages).toEqual([]);
}
