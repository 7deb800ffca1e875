// What a program gets that imports the installed package: its one entry, its types, and the example of the README.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";

/**
 * What packed.mjs lends: the repository, the folder of the installation, and what runs a program or the compiler there.
 * @typedef {object} Installation
 * @property {string} root
 * @property {string} folder
 * @property {(command: string, words: readonly string[], env?: NodeJS.ProcessEnv) => Promise<{ readonly stdout: string }>} run
 * @property {(name: string) => Promise<string>} typed
 * @property {(what: string, said: string | { readonly stdout: string }, pattern: RegExp) => void} expect
 */

/** A program that prints what a module exports, or the code of the error. @param {string} path */
const importing = (path) =>
  `import(${JSON.stringify(path)}).then((all) => console.log(Object.keys(all).join(" ")), ({ code }) => console.log(code))`;

/** The compiler has to find nothing wrong but what is expected to be. */
const program = `import { ConfigError, type Hooks, openThroughline, type PulledTable } from "throughline";

export const hooks: Hooks = { encodeRecord: (row) => row };
const throughline = await openThroughline({
  config: { postgres: "postgres://x@localhost/mydb", apis: { own: { manifest: "./own.yaml", tables: ["things"] } } },
});
const done: readonly string[] = await throughline.migrate({ dryRun: true });
const pulled: readonly PulledTable[] = await throughline.pull({ tables: done, signal: AbortSignal.timeout(1000) });
for (const table of pulled) if (table.kind === "failed") throw new ConfigError([table.reason]);
const { port, close } = await throughline.serve({ port: 0 });
await close({ drainMs: port });
// @ts-expect-error There is no database.
await openThroughline({ config: { apis: {} } });
// @ts-expect-error It takes a number.
await throughline.serve({ port: "0" });
await throughline.close();
`;

/** Checks the folder in which the package, the sandbox and pg are installed. Throws an Error that says what is wrong. @param {Installation} of */
export async function checkEmbedding({ root, folder, run, typed, expect }) {
  const imported = await run(process.execPath, ["-e", importing("throughline")]);
  expect("import", imported, /^ConfigError ConnectionLost Explained ReadFailed UsageError openThroughline\n$/);
  for (const inside of ["throughline/dist/src/main.js", "throughline/dist/src/app/open.js"])
    expect(inside, await run(process.execPath, ["-e", importing(inside)]), /^ERR_PACKAGE_PATH_NOT_EXPORTED\n$/);

  writeFileSync(join(folder, "program.mts"), program);
  expect("types", await typed("program.mts"), /^$/);

  writeFileSync(join(folder, "example.mjs"), firstExample(join(root, "README.md"), "## In your own program"));
  const [, printed] = /console\.log\(.*\); \/\/ (.*)/.exec(readFileSync(join(folder, "example.mjs"), "utf8")) ?? [];
  /** @type {typeof import("../src/app/embedded-postgres.js")} */
  const { startPostgres } = await import(join(root, "dist/src/app/embedded-postgres.js"));
  const postgres = await startPostgres(18);
  try {
    await prepare(postgres.urlOf("postgres", "postgres"));
    const env = { ...process.env, DATABASE_URL: postgres.urlOf("throughline", "mydb") };
    const { stdout } = await run(process.execPath, ["example.mjs"], env);
    if (stdout !== `${printed}\n`) throw new Error(`the example of the README prints ${stdout}and says ${printed}`);
    expect("example of the README", stdout, /./);
  } finally {
    await postgres.stop();
  }
}

/** What an administrator does once, as the README says. @param {string} url The URL of a superuser. */
async function prepare(url) {
  const admin = new pg.Client({ connectionString: url });
  await admin.connect();
  for (const sql of [
    "create role throughline login createrole",
    "create role app login",
    "create database mydb",
    "grant create on database mydb to throughline",
  ])
    await admin.query(sql);
  await admin.end();
}

/** The first JavaScript of a Markdown file, behind a heading if one is given. @param {string} path */
export function firstExample(path, heading = "") {
  const text = readFileSync(path, "utf8");
  const start = text.indexOf(heading);
  const [, code] = /^```js\n(.*?)^```$/ms.exec(start < 0 ? "" : text.slice(start)) ?? [];
  if (code === undefined) throw new Error(`${path} has no example${heading && ` behind "${heading}"`}`);
  return code;
}
