// A new member of a union has to stop the compiler wherever the code tells the members apart.

import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));

interface Union {
  readonly file: string;
  readonly name: string;
  /** The member to add, as the compiler writes it; without it, an object whose `kind` is new. */
  readonly member?: string;
  /** The files that must not compile for the new member. */
  readonly failing: readonly string[];
}

const unions: readonly Union[] = [
  {
    file: "src/upstream/write-outcome.ts",
    name: "RowResult",
    failing: [
      "src/upstream/correlate.ts",
      "src/upstream/table.ts",
      "src/write/verdict.ts",
      "src/write/upstream-call.ts",
    ],
  },
  { file: "src/upstream/write-outcome.ts", name: "WriteOutcome", failing: ["src/write/upstream-call.ts"] },
  {
    file: "src/upstream/exchange.ts",
    name: "ExchangeResult",
    failing: ["src/upstream/reading.ts", "src/upstream/table.ts"],
  },
  { file: "src/upstream/exchange.ts", name: "Next", failing: ["src/upstream/exchange.ts"] },
  { file: "src/http/client.ts", name: "HttpOutcome", failing: ["src/http/oauth.ts", "src/upstream/exchange.ts"] },
  { file: "src/http/budget.ts", name: "Admission", failing: ["src/upstream/admission.ts"] },
  {
    file: "src/sql/classification.ts",
    name: "Classification",
    failing: ["src/sql/classify.ts", "src/proxy/statements.ts"],
  },
  { file: "src/manifest/pages-schema.ts", name: "NextPage", failing: ["src/upstream/pages.ts"] },
  { file: "protocol/pending-replies.ts", name: "RequestKind", member: "99", failing: ["protocol/pending-replies.ts"] },
  { file: "protocol/pending-replies.ts", name: "Delivery", member: "64", failing: ["src/proxy/flight.ts"] },
  {
    file: "src/write/injected-step.ts",
    name: "FlightResult",
    failing: [
      "src/write/raise-in-postgres.ts",
      "src/write/stages/apply.ts",
      "src/proxy/multi-statement.ts",
      "src/proxy/held-statement.ts",
    ],
  },
  {
    file: "src/write/statement.ts",
    name: "WriteResult",
    member: '"novel WriteResult"',
    failing: ["src/proxy/mirror-interceptor.ts"],
  },
  { file: "src/journal/states.ts", name: "State", member: '"novel State"', failing: ["src/journal/recover.ts"] },
  { file: "src/write/injected-step.ts", name: "InjectedStep", failing: ["src/proxy/injected-messages.ts"] },
  {
    file: "src/proxy/frontend.ts",
    name: "Hold",
    member: '{ readonly at: "novel Hold"; }',
    failing: ["src/proxy/frontend.ts", "src/proxy/mirror-interceptor.ts"],
  },
  {
    file: "src/proxy/transaction.ts",
    name: "Transaction",
    member: '{ readonly owner: "novel Transaction"; }',
    failing: ["src/proxy/transaction.ts"],
  },
  {
    file: "src/proxy/session-end.ts",
    name: "Ending",
    member: '{ readonly at: "novel Ending"; }',
    failing: ["src/proxy/session-end.ts"],
  },
  {
    file: "src/proxy/copy-in.ts",
    name: "CopyCollection",
    member: '"novel CopyCollection"',
    failing: ["src/proxy/held-statement.ts"],
  },
];

let copy = "";
beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), "throughline-unions-"));
  for (const name of ["src", "protocol", "tsconfig.json", "package.json"])
    cpSync(join(root, name), join(copy, name), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
});
afterAll(() => rmSync(copy, { recursive: true, force: true }));

/** What the compiler says of all files that tell members apart, and of what they import, mistake by mistake. */
function compile(): string[] {
  const files = [...new Set(unions.flatMap(({ failing }) => failing))];
  writeFileSync(join(copy, "tsconfig.files.json"), JSON.stringify({ extends: "./tsconfig.json", include: [], files }));
  const ran = spawnSync(join(root, "node_modules/.bin/tsc"), ["-p", "tsconfig.files.json", "--pretty", "false"], {
    cwd: copy,
    encoding: "utf8",
    timeout: 60_000,
  });
  const mistakes = ran.stdout.split(/\n(?=\S)/).filter((mistake) => mistake !== "");
  expect(ran.status === 0, ran.stdout).toBe(mistakes.length === 0);
  return mistakes;
}

const memberOf = ({ name, member = `{ readonly kind: "novel ${name}"; }` }: Union): string => member;

function addMember(union: Union): void {
  const path = join(copy, union.file);
  const text = readFileSync(path, "utf8");
  const declaration = new RegExp(`^(export )?type ${union.name} =`, "m");
  expect(text, `${union.file} declares no type ${union.name}`).toMatch(declaration);
  const widened = `$1type ${union.name} = ${memberOf(union)} | Old${union.name};\ntype Old${union.name} =`;
  writeFileSync(path, text.replace(declaration, widened));
}

let mistakes: readonly string[] = [];
beforeAll(() => {
  expect(compile()).toEqual([]);
  for (const union of unions) addMember(union);
  mistakes = compile();
});

test.each(unions)("a new member of $name in $file is a mistake wherever members are told apart", (union) => {
  const said = mistakes.filter((mistake) => mistake.includes(memberOf(union)));
  expect(union.failing.filter((file) => !said.some((mistake) => mistake.startsWith(`${file}(`)))).toEqual([]);
});
