// The limits of a manifest: what they count, what upstream says of them, and how long it wants to be left alone.

import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { openItems } from "../support/items.js";
import { type ScriptedServer, startScripted } from "../support/scripted.js";

let api: ScriptedServer;
beforeEach(async () => {
  api = await startScripted();
});
afterEach(async () => {
  vi.restoreAllMocks();
  await api.close();
});

type Opened = Awaited<ReturnType<typeof openItems>>;
const written = { status: 204 };
const update = ({ table, columns }: Opened, key = "1") =>
  table.write("update", columns, [{ key, sent: { name: "x" } }]);
const limited = (...limits: readonly object[]) => openItems(api.url, { manifest: { limits } });
const used = { kind: "unsent", error: { sqlstate: "53400" } };

test("a call that the limit has no room for is not sent", async () => {
  const opened = await limited({ calls: 2, per: "60s" });
  api.add(written, written);
  await update(opened);
  await update(opened);
  expect(await update(opened)).toMatchObject({
    kind: "unsent",
    error: {
      message: "the rate limit of things is used up, and a statement waits at most 0 s for it",
      hint: "Nothing was changed. Retry after 60 s.",
    },
  });
  expect(api.asked.length).toBe(2);
});

test("a limit counts the paths that it names, below the base and on every page", async () => {
  const opened = await openItems(`${api.url}/v1`, {
    manifest: {
      limits: [
        { calls: 1, per: "60s", path: "/items/*" },
        { calls: 1, per: "60s", path: "*/{key}" },
        { calls: 1, per: "60s", path: "*/next" },
      ],
    },
    table: {
      read: {
        list: { GET: "/items", rows: "/items", pages: { url: "/next" } },
        get: { GET: "/items/{key}", rows: "" },
      },
      write: { update: { PATCH: "/items/{key}" }, delete: { DELETE: "/items/{key}/x" } },
    },
  });
  const remaining = async (key: string) =>
    (await opened.table.describe("update", opened.columns, [{ key, sent: {} }])).remaining;
  api.add(written, { body: { items: [], next: "/v1/items/next" } }, { body: { items: [] } });
  await opened.table.write("delete", opened.columns, [{ key: "1", sent: {} }]);
  const { next } = await opened.table.list(opened.columns, null);
  expect((await remaining("1")).map(({ calls }) => calls)).toEqual([1, 1]);
  await opened.table.list(opened.columns, next);
  expect((await remaining("1")).map(({ calls }) => calls)).toEqual([0, 1]);
});

test("a limit may count each path by itself, and one of any row's is one", async () => {
  const opened = await limited({ calls: 1, per: "60s", each_path: true });
  api.add(written, { body: { items: [] } });
  await update(opened, "1");
  expect(await update(opened, "2")).toMatchObject(used);
  expect(await opened.table.list(opened.columns, null)).toMatchObject({ records: [] });
});

test("the config's rate holds beside the manifest's own limits", async () => {
  const opened = await openItems(api.url, {
    manifest: { limits: [{ calls: 5, per: "60s" }] },
    account: { rate: { calls: 1, perMs: 60_000 } },
  });
  api.add(written);
  await update(opened);
  expect(await update(opened)).toMatchObject(used);
});

test("the rest of a limit is the one that upstream tells, since others use it too", async () => {
  const opened = await limited({ calls: 5, per: "60s", left: "X-Left" });
  api.add({ ...written, headers: { "x-left": "1" } }, written);
  await update(opened);
  expect(await update(opened)).toMatchObject({ kind: "answered" });
  expect(await update(opened)).toMatchObject(used);
});

test("a rest of a limit that is no number changes nothing", async () => {
  const opened = await limited({ calls: 3, per: "60s", left: "X-Left" });
  api.add(...["none", "-1", "99"].map((left) => ({ ...written, headers: { "x-left": left } })));
  for (let i = 0; i < 3; i += 1) expect(await update(opened)).toMatchObject({ kind: "answered" });
});

const asked: readonly (readonly [string, object, Record<string, string>, number])[] = [
  ["in seconds", {}, { "retry-after": "7" }, 7],
  ["as a date", {}, { "retry-after": "Thu, 01 Jan 2026 00:00:09 GMT" }, 9],
  [
    "as a date, by upstream's own time",
    {},
    { date: "Thu, 01 Jan 2026 01:00:00 GMT", "retry-after": "Thu, 01 Jan 2026 01:00:09 GMT" },
    9,
  ],
  ["as a date that is past", {}, { "retry-after": "Thu, 01 Jan 2025 00:00:09 GMT" }, 0],
  ["in milliseconds", { retry_after: { header: "X-Wait", unit: "ms" } }, { "x-wait": "2500" }, 3],
  ["as an instant", { retry_after: { header: "X-Reset", unit: "epoch" } }, { "x-reset": "1767225612" }, 12],
  [
    "as an instant, by upstream's own time",
    { retry_after: { header: "X-Reset", unit: "epoch" } },
    { date: "Thu, 01 Jan 2026 01:00:00 GMT", "x-reset": "1767229212" },
    12,
  ],
  [
    "by what the manifest names, first",
    { retry_after: { header: "X-Wait" } },
    { "x-wait": "4", "retry-after": "9" },
    4,
  ],
  ["by Retry-After, where that is missing", { retry_after: { header: "X-Wait" } }, { "retry-after": "9" }, 9],
  ["by the manifest's pause", { pause: "30s" }, {}, 30],
  ["in words that say nothing", { pause: "30s" }, { "retry-after": "soon" }, 30],
  ["as a negative number", { pause: "30s" }, { "retry-after": "-5" }, 30],
  ["as no number", { pause: "30s" }, { "retry-after": "NaN" }, 30],
  ["as an older form of a date", {}, { "retry-after": "Thursday, 01-Jan-26 00:00:09 GMT" }, 9],
  ["as a date by ISO 8601", {}, { "retry-after": "2026-01-01T00:00:09Z" }, 9],
  ["for three thousand years", {}, { "retry-after": "99999999999" }, 86_400],
  ["without an end", {}, { "retry-after": "9".repeat(400) }, 86_400],
  ["until a date in another millennium", {}, { "retry-after": "Fri, 01 Jan 2999 00:00:00 GMT" }, 86_400],
  [
    "in milliseconds, for years",
    { retry_after: { header: "X-Wait", unit: "ms" } },
    { "x-wait": "9".repeat(30) },
    86_400,
  ],
  [
    "until an instant in another unit",
    { retry_after: { header: "X-Reset", unit: "epoch" } },
    { "x-reset": "1767225612000" },
    86_400,
  ],
  ["by the manifest's pause of a month", { pause: "30d" }, {}, 86_400],
];

test.each(asked)("how long a 429 asks to wait %s is heeded", async (_, limit, headers, seconds) => {
  vi.spyOn(Date, "now").mockReturnValue(Date.UTC(2026, 0, 1));
  const limits = [
    { calls: 5, per: "1s" },
    { calls: 50, per: "1s", ...limit },
  ];
  const opened = await openItems(api.url, { manifest: { limits }, account: { waitMs: 1_000 } });
  api.add({ status: 429, headers: { date: "Thu, 01 Jan 2026 00:00:00 GMT", ...headers } }, written);
  const ending = await update(opened);
  if (seconds === 0) {
    expect(ending).toMatchObject({ kind: "answered" });
    return;
  }
  expect(ending).toMatchObject({
    kind: "refused",
    error: { sqlstate: "53400", hint: `Nothing was changed. Retry after ${seconds} s.` },
  });
  expect(await update(opened, "2")).toMatchObject(used);
  expect(api.asked.length).toBe(1);
});

const number = fc.oneof(
  fc.maxSafeInteger().map(String),
  fc.double().map(String),
  fc.constantFrom(
    "-1",
    "0",
    "1e400",
    "NaN",
    "Infinity",
    "-Infinity",
    "0x7fffffff",
    "2147483648",
    "9".repeat(40),
    "1.5",
    "1,5",
  ),
  fc.date({ noInvalidDate: true, min: new Date(0), max: new Date(8.64e15) }).map((date) => date.toUTCString()),
  fc.string({ unit: "grapheme-ascii", maxLength: 30 }).map((text) => text.trim()),
);
test("P15: whatever an answer's numbers are, the API is asked again within a day, when the error says so", async () => {
  const warnings = vi.spyOn(process, "emitWarning");
  const unit = fc.constantFrom("s", "ms", "epoch");
  await fc.assert(
    fc.asyncProperty(number, number, number, unit, async (retryAfter, wait, left, unit) => {
      const clock = vi.spyOn(performance, "now").mockReturnValue(1_000);
      const opened = await openItems(api.url, {
        manifest: { limits: [{ calls: 5, per: "1s", left: "X-Left", retry_after: { header: "X-Wait", unit } }] },
      });
      api.add({ ...written, headers: { "x-left": left } });
      api.add({ status: 429, headers: { "retry-after": retryAfter, "x-wait": wait, "x-left": left } }, written);
      clock.mockReturnValue(3_000);
      await update(opened);
      clock.mockReturnValue(5_000);
      const ending = await update(opened);
      const hint = ending.kind === "refused" ? (ending.error.hint ?? "") : "";
      const seconds = Number(/^Nothing was changed\. Retry after (\d+) s\.$/.exec(hint)?.[1]);
      expect(seconds).toBeLessThanOrEqual(86_400);
      clock.mockReturnValue(5_000 + seconds * 1_000);
      expect(await update(opened)).toMatchObject({ kind: "answered" });
    }),
    { seed: 4, numRuns: 200 },
  );
  expect(warnings).not.toHaveBeenCalled();
});

test("a header in milliseconds is not read in seconds, whichever limit names it", async () => {
  const opened = await limited(
    { calls: 5, per: "1s" },
    { calls: 50, per: "1s", retry_after: { header: "Retry-After", unit: "ms" } },
  );
  api.add({ status: 429, headers: { "retry-after": "4000" } });
  expect(await update(opened)).toMatchObject({ error: { hint: "Nothing was changed. Retry after 4 s." } });
});

test("a 429 that may be waited for is repeated when its time has come", async () => {
  const opened = await openItems(api.url, {
    manifest: { limits: [{ calls: 5, per: "1s", retry_after: { header: "X-Wait", unit: "ms" } }] },
    account: { waitMs: 10_000 },
  });
  api.add(...["20", "10"].map((wait) => ({ status: 429, headers: { "x-wait": wait } })), written);
  expect(await update(opened)).toMatchObject({ kind: "answered" });
  expect(api.asked.length).toBe(3);
});

test("a call that is cancelled before its turn is not sent", async () => {
  const opened = await openItems(api.url, {
    manifest: { limits: [{ calls: 1, per: "60s" }] },
    account: { waitMs: 600_000 },
  });
  api.add(written);
  await update(opened);
  const cancel = new AbortController();
  const gate = {
    onWait: async () => cancel.abort(),
    onSend: async () => true,
  };
  const ending = opened.table.write("update", opened.columns, [{ key: "1", sent: {} }], {
    signal: cancel.signal,
    gate,
  });
  expect(await ending).toMatchObject({ kind: "unsent", error: { sqlstate: "57014" } });
  expect(api.asked.length).toBe(1);
});
