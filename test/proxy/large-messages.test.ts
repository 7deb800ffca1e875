// Messages of many megabytes pass byte for byte.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bind, copyData, copyDone, execute, parse, query, sync, unnamed } from "./build.js";
import { type DirectAndProxied, startDirectAndProxied } from "./direct-and-proxied.js";
import type { Script } from "./scripts/script.js";
import { type Cut, login, play } from "./session.js";
import { transcript } from "./transcript.js";

const mib = 1024 * 1024;
const long = (bytes: number, letter = "x") => letter.repeat(bytes);
const rows = Array.from({ length: 32 }, (_, i) =>
  copyData(`${i}\t${long(64 * 1024, String.fromCharCode(97 + (i % 26)))}\n`),
);

const scripts: readonly (readonly [string, Pick<Script, "steps" | "answers">])[] = [
  [
    "rows of several megabytes, by a Query and by extended messages",
    {
      steps: [
        query("select i, repeat(chr(96 + i), 2000000) from generate_series(1, 3) i"),
        "Z",
        unnamed("select repeat('é', 1000000)::bytea", { results: [1] }),
        sync,
        "Z",
      ],
      answers: "T D D D C Z 1 2 T D C Z",
    },
  ],
  [
    "values of several megabytes",
    {
      steps: [
        parse("select md5($1), length($2), $2::text"),
        bind({ values: [long(2 * mib), long(mib, "é")], formats: [0, 1] }),
        execute(),
        sync,
        "Z",
      ],
      answers: "1 2 D C Z",
    },
  ],
  [
    "texts that are longer than those that are looked at",
    {
      steps: [
        query(`select '${long(2 * mib)}' -- insert into contacts`),
        "Z",
        parse(`select length('${long(2 * mib)}') -- insert into contacts`, "s"),
        bind({ statement: "s" }),
        execute(),
        sync,
        "Z",
      ],
      answers: "T D C Z 1 2 D C Z",
    },
  ],
  [
    "texts that are longer than those that are looked at, in the place of a mirror's statement",
    {
      steps: [
        query("create temp table t (i serial, n int)"),
        parse("insert into hubspot.contacts (email) values ('a@example.com')"),
        sync,
        "Z",
        parse(`insert into t (n) values (length('${long(2 * mib)}')) returning i, n`),
        bind(),
        execute(),
        sync,
        "Z",
      ],
      answers: "C Z 1 Z 1 2 D C Z",
    },
  ],
  [
    "rows in and out by COPY",
    {
      steps: [
        query("create temp table t (i int, s text)"),
        query("copy t from stdin"),
        "G",
        ...rows,
        copyDone,
        "Z",
        query("copy t to stdout"),
        "Z",
      ],
      answers: `C Z G C Z H ${rows.map(() => "d").join(" ")} c C Z`,
    },
  ],
  [
    "an error whose message is long",
    {
      steps: [query(`do $$ begin raise '%', repeat('x', 1000000) using hint = repeat('y', 500000); end $$`), "Z"],
      answers: "E Z",
    },
  ],
  [
    "thousands of small messages at once",
    {
      steps: [
        Buffer.concat(Array.from({ length: 1500 }, (_, i) => Buffer.concat([unnamed(`select ${i}`), sync]))),
        "Z",
      ],
      answers: Array.from({ length: 1500 }, () => "1 2 T D C Z").join(" "),
    },
  ],
];

let both: DirectAndProxied;
beforeAll(async () => {
  both = await startDirectAndProxied();
});
afterAll(() => both.close());

describe("P10: passed on byte for byte are", () => {
  test.each(scripts)("%s", async (_, { steps, answers }) => {
    const said = await run("direct", steps, "step by step");
    expect(said.map((line) => line[0]).join(" ")).toBe(answers);
    for (const by of ["proxied", "asleep"] as const) {
      expect(await run(by, steps, 65_537), by).toEqual(said);
    }
  });
});

async function run(by: "direct" | "proxied" | "asleep", steps: Script["steps"], cut: Cut) {
  return transcript(await play(await login(both[by], both.stack.database), { steps }, cut));
}
