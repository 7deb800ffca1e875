// What the API no longer shows, because the record is gone or because the account has lost its right to the whole table: the two look
// alike, and only a second request tells them apart.

import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type Forge, forgeManifest, startForge } from "../support/forge.js";
import { startManifestStack } from "../support/manifest-stack.js";
import type { ServedStack } from "../support/served-stack.js";

const base = "/repos/acme/plans";
const lostRight = "The account may have lost its right to this table. The mirror keeps the row.";

interface ForgeStack extends ServedStack {
  readonly forge: Forge;
}

async function startForgeStack(isProvenByRepository: boolean): Promise<ForgeStack> {
  const forge = await startForge();
  const stack = await startManifestStack({
    schema: "forge",
    manifest: forgeManifest(isProvenByRepository),
    resource: "issues",
    url: forge.url,
    values: { owner: "acme", repo: "plans" },
    close: () => forge.close(),
  });
  return { ...stack, forge };
}

/** Of two manifests: one whose rules have `if`, and one whose rules have none. */
let byRepository: ForgeStack;
let byList: ForgeStack;
beforeAll(async () => {
  byRepository = await startForgeStack(true);
  byList = await startForgeStack(false);
});
afterAll(async () => {
  await byRepository.close();
  await byList.close();
});
beforeEach(async () => {
  for (const { forge, pull } of [byRepository, byList]) {
    forge.reset();
    await pull();
    forge.requests.length = 0;
  }
});

async function write({ client }: ForgeStack, sql: string) {
  const session = await client();
  return session.query(sql).then(
    ({ rowCount }) => ({ code: "accepted", rowCount }),
    ({ code, message, detail, hint }) => ({ code, message, detail, hint }),
  );
}
const mirror = async ({ admin }: ForgeStack) =>
  (await admin.query("select number, title from forge.issues order by number")).rows.map(
    ({ number, title }) => `${number} ${title}`,
  );
const entry = async ({ admin }: ForgeStack) =>
  (await admin.query("select state, sqlstate from throughline.journal order by intent_at desc limit 1")).rows[0];

const all = ["1 one", "2 two", "3 three"];
const lost = { repository: "hidden", list: "hidden", missing: [1, 2, 3] } as const;
const update = "update forge.issues set title = 'new' where number = 2";
const remove = "delete from forge.issues where number = 2";

test.each([
  ["UPDATE", update, `PATCH ${base}/issues/2`],
  ["DELETE", remove, `DELETE ${base}/issues/2`],
])(
  "P13: by a token that has lost the repository, %s is refused, and the mirror keeps the row",
  async (_, sql, request) => {
    Object.assign(byRepository.forge.state, lost);
    expect(await write(byRepository, sql)).toMatchObject({
      code: "42501",
      message: "forge: Not Found",
      detail: "status 404.",
      hint: lostRight,
    });
    expect(byRepository.forge.requests).toEqual([request, `GET ${base}`]);
    expect(await mirror(byRepository)).toEqual(all);
    expect(await entry(byRepository)).toEqual({ state: "refused", sqlstate: "42501" });
  },
);

test("P13: an UPDATE of a record that is gone, while the repository can be read, takes it out of the mirror", async () => {
  byRepository.forge.state.missing = [2];
  expect(await write(byRepository, update)).toMatchObject({ code: "40001" });
  expect(byRepository.forge.requests).toEqual([`PATCH ${base}/issues/2`, `GET ${base}`]);
  expect(await mirror(byRepository)).toEqual(["1 one", "3 three"]);
  expect(await entry(byRepository)).toEqual({ state: "absent", sqlstate: "40001" });
});

test("P13: a DELETE of a record that is gone, while the repository can be read, succeeds", async () => {
  byRepository.forge.state.missing = [2];
  expect(await write(byRepository, remove)).toEqual({ code: "accepted", rowCount: 1 });
  expect(byRepository.forge.requests).toEqual([`DELETE ${base}/issues/2`, `GET ${base}`]);
  expect(await mirror(byRepository)).toEqual(["1 one", "3 three"]);
});

test("P13: while nothing tells whether the right is lost, a write is refused as what nothing maps", async () => {
  Object.assign(byRepository.forge.state, { ...lost, repository: "failing" });
  for (const sql of [update, remove])
    expect(await write(byRepository, sql)).toMatchObject({ code: "HV000", message: "forge: Not Found" });
  expect(await mirror(byRepository)).toEqual(all);
});

const updateAll = "update forge.issues set title = 'new ' || number";

test("P13: the rows of a batch that can't be seen any more are refused, by one proof for all of them", async () => {
  Object.assign(byRepository.forge.state, { ...lost, repository: "forbidden", missing: [2, 3] });
  const said = await write(byRepository, updateAll);
  expect(said).toMatchObject({ code: "TL001", message: "forge: 1 of 3 rows were accepted" });
  expect(said).toHaveProperty("detail", expect.stringContaining("row 2: Not Found; row 3: Not Found"));
  expect(byRepository.forge.requests).toEqual([`POST ${base}/issues/batch`, `GET ${base}`]);
  expect(await mirror(byRepository)).toEqual(["1 new 1", "2 two", "3 three"]);
});

test("P13: a batch none of whose rows can be seen any more is refused with what the account lacks", async () => {
  Object.assign(byRepository.forge.state, lost);
  expect(await write(byRepository, updateAll)).toMatchObject({ code: "42501", hint: lostRight });
  expect(await mirror(byRepository)).toEqual(all);
});

test("P13: a row of a batch that is gone, while the repository can be read, goes from the mirror", async () => {
  byRepository.forge.state.missing = [2];
  const said = await write(byRepository, updateAll);
  expect(said).toMatchObject({ code: "TL001", detail: expect.stringContaining("row 2: gone") });
  expect(await mirror(byRepository)).toEqual(["1 new 1", "3 new 3"]);
});

test("P13: a pull deletes no row by its 404 while the repository can't be read", async () => {
  Object.assign(byRepository.forge.state, { ...lost, list: "empty" });
  await expect(byRepository.pull()).rejects.toThrow(
    "Not Found (status 404), and nothing proves that the record is gone",
  );
  expect(await mirror(byRepository)).toEqual(all);
  byRepository.forge.state.repository = "shown";
  await byRepository.pull();
  expect(await mirror(byRepository)).toEqual([]);
});

test("P13: without a proof in the manifest, a record is gone only while the table's list can be read", async () => {
  Object.assign(byList.forge.state, lost);
  for (const sql of [update, remove])
    expect(await write(byList, sql)).toMatchObject({ code: "42501", message: "forge: Not Found", hint: lostRight });
  expect(byList.forge.requests.filter((one) => one === `GET ${base}/issues`)).toHaveLength(2);
  expect(await mirror(byList)).toEqual(all);
  byList.forge.state.list = "shown";
  expect(await write(byList, update)).toMatchObject({ code: "40001" });
  expect(await mirror(byList)).toEqual(["1 one", "3 three"]);
});

test("P1: a write that is accepted asks for no proof", async () => {
  expect(await write(byRepository, update)).toMatchObject({ code: "accepted" });
  expect(await write(byRepository, remove)).toMatchObject({ code: "accepted" });
  expect(byRepository.forge.requests).toEqual([`PATCH ${base}/issues/2`, `DELETE ${base}/issues/2`]);
});
