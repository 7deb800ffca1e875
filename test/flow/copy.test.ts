// COPY … FROM STDIN into a mirror: its rows are one call, within what one call takes.

import { serialize } from "pg-protocol";
import { beforeEach, expect, test } from "vitest";
import { mirroredEmails, upstreamEmails } from "../support/answers.js";
import { untilGone } from "../support/sessions.js";
import { type Stack, startStack } from "../support/stack.js";
import { shown, WireClient } from "../support/wire.js";

let stack: Stack;
let wire: WireClient;
beforeEach(async () => {
  stack = await startStack({ seed: [{ email: "ada@x.com", firstname: "Ada" }] });
  wire = await WireClient.login(stack.port, "app", stack.database);
  return async () => {
    wire.close();
    await stack.close();
  };
});

const rows = (...texts: string[]) => texts.map((text) => serialize.copyData(Buffer.from(text)));
async function copy(sql: string, ...data: readonly Buffer[]): Promise<string[]> {
  wire.send(serialize.query(sql));
  const opened = shown(await wire.until("G"));
  wire.send(...data);
  return [...opened, ...shown(await wire.until("Z"))];
}

test("COPY takes text in pieces of any size, and csv with a header and a list of columns", async () => {
  expect(
    await copy(
      "copy hubspot.contacts (email, firstname) from stdin",
      ...rows("a@x.com\tA\nb@", "x.com\t\\N\n"),
      serialize.copyDone(),
    ),
  ).toEqual(["G", "C COPY 2", "Z I"]);
  expect(
    await copy(
      "copy hubspot.contacts (firstname, email) from stdin (format csv, header)",
      ...rows("firstname,email\n", '"C, D",c@x.com\n'),
      serialize.copyDone(),
    ),
  ).toEqual(["G", "C COPY 1", "Z I"]);
  expect(stack.writes()).toEqual(["POST /crm/v3/objects/contacts/batch/create", "POST /crm/v3/objects/contacts"]);
  expect(upstreamEmails(stack)).toEqual(["a@x.com", "ada@x.com", "b@x.com", "c@x.com"]);
  expect(await mirroredEmails(stack)).toEqual(upstreamEmails(stack));
});

test("COPY takes binary by extended messages, with a Sync among the rows", async () => {
  const field = (text: string) => {
    const length = Buffer.alloc(4);
    length.writeInt32BE(Buffer.byteLength(text));
    return Buffer.concat([length, Buffer.from(text)]);
  };
  const head = Buffer.concat([Buffer.from("PGCOPY\n\xff\r\n\0", "latin1"), Buffer.alloc(8)]);
  wire.send(
    serialize.parse({ text: "copy hubspot.contacts (email) from stdin (format binary)" }),
    serialize.bind({}),
    serialize.execute({}),
    serialize.sync(),
  );
  expect(shown(await wire.until("G"))).toEqual(["1", "2", "G"]);
  const body = Buffer.concat([head, Buffer.from([0, 1]), field("bin@x.com"), Buffer.from([0xff, 0xff])]);
  wire.send(serialize.copyData(body), serialize.copyDone(), serialize.sync());
  expect(shown(await wire.until("Z"))).toEqual(["C COPY 1", "Z I"]);
  expect(upstreamEmails(stack)).toEqual(["ada@x.com", "bin@x.com"]);
  expect(await mirroredEmails(stack)).toEqual(upstreamEmails(stack));
});

test("an error of Postgres comes before the first row is asked for, or with its row", async () => {
  wire.send(serialize.query("copy hubspot.contacts (nonsense) from stdin"));
  expect(shown(await wire.until("Z"))).toEqual(["E 42703", "Z I"]);
  expect(
    await copy(
      "copy hubspot.contacts (email, renewal_date) from stdin",
      ...rows("d@x.com\tsoon\n"),
      serialize.copyDone(),
    ),
  ).toEqual(["G", "E 22007", "Z I"]);
  expect(await copy("copy hubspot.contacts (email) from stdin", ...rows("ada@x.com\n"), serialize.copyDone())).toEqual([
    "G",
    "E 23505",
    "Z I",
  ]);
  expect(
    await copy("copy hubspot.contacts (email) from stdin", ...rows("x@x.com\n"), serialize.copyFail("enough")),
  ).toEqual(["G", "E 57014", "Z I"]);
  expect(await copy("copy hubspot.contacts (email) from stdin", serialize.copyDone())).toEqual([
    "G",
    "C COPY 0",
    "Z I",
  ]);
  expect(stack.sandbox.log.filter(({ method }) => method !== "GET")).toEqual([]);
});

test("P1: more rows than one call takes, or more bytes than any call, is refused before anything is sent", async () => {
  const many = Array.from({ length: 101 }, (_, i) => `m${i}@x.com\n`).join("");
  expect(await copy("copy hubspot.contacts (email) from stdin", ...rows(many), serialize.copyDone())).toEqual([
    "G",
    "E 54000",
    "Z I",
  ]);
  const megabyte = "x".repeat(1024 * 1024);
  expect(
    await copy(
      "copy hubspot.contacts (email) from stdin",
      ...rows(...Array.from({ length: 17 }, () => megabyte)),
      serialize.copyDone(),
    ),
  ).toEqual(["G", "E 54000", "Z I"]);
  expect(
    await copy("copy hubspot.contacts (email) from stdin", ...rows("x".repeat(20 * 1024 * 1024)), serialize.copyDone()),
  ).toEqual(["G", "E 54000", "Z I"]);
  expect(stack.writes()).toEqual([]);
  wire.send(serialize.query("select 1"));
  expect(shown(await wire.until("Z"))).toEqual(["T", "D 1", "C SELECT 1", "Z I"]);
});

test("a COPY in a transaction is one call, and a rollback does not undo it", async () => {
  wire.send(serialize.query("begin"));
  await wire.until("Z");
  expect(await copy("copy hubspot.contacts (email) from stdin", ...rows("t@x.com\n"), serialize.copyDone())).toEqual([
    "G",
    "C COPY 1",
    "Z T",
  ]);
  wire.send(serialize.query("rollback"));
  expect(shown(await wire.until("Z"))).toEqual(["C ROLLBACK", "N 01000", "Z I"]);
  expect(await mirroredEmails(stack)).toEqual(["ada@x.com", "t@x.com"]);
});

test("a client that vanishes among its rows has written nothing", async () => {
  wire.send(serialize.query("copy hubspot.contacts (email) from stdin"));
  await wire.until("G");
  wire.send(...rows("gone@x.com\n"));
  wire.close();
  await untilGone(stack.admin);
  expect(stack.writes()).toEqual([]);
});

test("COPY from a file on the server, and into a view, is Postgres's own to refuse", async () => {
  await stack.admin.query(
    "create view public.people as select * from hubspot.contacts; grant all on public.people to app",
  );
  for (const sql of ["copy hubspot.contacts from '/nowhere'", "copy public.people from stdin"]) {
    wire.send(serialize.query(sql));
    expect(shown(await wire.until("Z")).at(-1)).toBe("Z I");
  }
  expect(stack.sandbox.log.filter(({ method }) => method !== "GET")).toEqual([]);
});

test("COPY with HEADER MATCH is refused", async () => {
  wire.send(serialize.query("copy hubspot.contacts (email, firstname) from stdin (format csv, header match)"));
  wire.send(serialize.copyData(Buffer.from("email,firstname\nz@x.com,Z\n")), serialize.copyDone());
  expect(shown(await wire.until("Z"))).toEqual(["E 0A000", "Z I"]);
});
