// Packs what would be published, installs it into an empty folder as a user would, and runs it there: what a clone has and the
// package lacks shows here.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { z } from "zod";
import { checkEmbedding, firstExample } from "./packed-embedding.mjs";

/** What a program wrote until it ended. @typedef {{ readonly stdout: string, readonly stderr: string }} Output */

const root = join(import.meta.dirname, "..");
const folder = mkdtempSync(join(tmpdir(), "throughline-packed-"));
const remove = () => rmSync(folder, { recursive: true, force: true });
process.once("exit", remove);
for (const name of ["SIGINT", "SIGTERM"]) process.once(name, () => process.exit(130));

const quiet = ["--no-audit", "--no-fund", "--loglevel=error"];
/** Where the installed programs put what they need for a while: it must be empty afterwards. */
const scratch = join(folder, "tmp");
const program = join(folder, "node_modules/.bin/throughline");

/** How `execFile` rejects when a program ends with another code than 0, or by a signal, or can't be started. */
const failureSchema = z.object({
  code: z.union([z.int(), z.string(), z.null()]),
  stdout: z.string(),
  stderr: z.string(),
});
/** The list that `npm pack --json` prints. */
const packedSchema = z
  .tuple([z.object({ filename: z.string(), files: z.array(z.unknown()), size: z.number() })])
  .rest(z.unknown());
/** The line in which `sandbox --json` says where it listens. */
const listeningSchema = z.object({ url: z.string() });
/** The part of package.json that has the versions. */
const manifestSchema = z.object({ dependencies: z.record(z.string(), z.string()) });

/** A program that still runs by then has left something open. */
const mostMs = 120_000;

/** Nobody listens there. */
const noPostgres = "postgres://throughline@127.0.0.1:1/none";
const config = `postgres: ${noPostgres}
apis:
  hubspot:
    base: \${SANDBOX_URL}
    token: \${HUBSPOT_TOKEN}
    tables: [contacts]
`;

/** A file of hooks, whose `encodeRecord` returns this expression. @param {string} record */
const hooks = (record) => `/** @type {NonNullable<import("throughline").Hooks["encodeRecord"]>} */
export const encodeRecord = (row) => ${record};
`;

async function main() {
  const tarball = await packed();
  mkdirSync(scratch);
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true }));
  await install(folder, tarball);

  const version = await run("npx", ["--no-install", "throughline", "--version"]);
  expect("--version", version, /^\d+\.\d+\.\d+\n$/);
  expect("--help", await run(program, ["--help"]), /^usage: throughline <command>/);
  expect("demo", await failing(["demo", "--once"]), /^throughline: there is no Postgres 18 for \S+ here; .+\n$/);

  expect("left behind by the demo", String(readdirSync(scratch)), /^$/);

  writeFileSync(join(folder, "good.hooks.mjs"), hooks("row"));
  writeFileSync(join(folder, "wrong.hooks.mjs"), hooks("1"));
  expect("types of hooks", await typed("good.hooks.mjs"), /^$/);
  expect("wrong hooks", await typed("wrong.hooks.mjs"), /^wrong\.hooks\.mjs\(\d+,\d+\): error TS/);

  const sandbox = spawn(program, ["sandbox", "hubspot", "--port", "0", "--json"], { cwd: folder });
  const ended = once(sandbox, "exit");
  try {
    const [line] = await once(createInterface({ input: sandbox.stdout }), "line");
    const { url } = listeningSchema.parse(JSON.parse(String(line)));
    const answer = await fetch(`${url}/crm/v3/objects/contacts`, { headers: { authorization: "Bearer pat-packed" } });
    expect("sandbox", `status ${answer.status}`, /^status 200$/);
    writeFileSync(join(folder, "throughline.yaml"), config);
    const env = { ...process.env, SANDBOX_URL: url, HUBSPOT_TOKEN: "pat-packed" };
    const { stdout } = await run(program, ["check"], env).catch((/** @type {unknown} */ cause) => {
      const failure = failureOf(cause);
      if (failure.code !== 1) throw cause;
      return failure;
    });
    const lines =
      /^ok {6}config: 1 tables configured\nerror {3}postgres: connect ECONNREFUSED 127\.0\.0\.1:1: look at postgres\.url\nok {6}hubspot\.contacts: the API answers, \d+ columns\n$/;
    expect("check", stdout, lines);
  } finally {
    sandbox.kill("SIGTERM");
    await ended;
  }

  const sandboxTarball = await packed("-w", "@throughline/sandbox");
  await checkSandboxAlone(sandboxTarball);
  // The example of the README needs both; the sandbox that the package bundles has been seen to work by itself above.
  await install(folder, sandboxTarball, "pg");
  await checkEmbedding({ root, folder, run, typed, expect });
}

/** The package of the sandbox, without the one that bundles it. @param {string} tarball */
async function checkSandboxAlone(tarball) {
  const alone = join(folder, "alone");
  mkdirSync(alone);
  writeFileSync(join(alone, "package.json"), JSON.stringify({ private: true }));
  await install(alone, tarball);
  writeFileSync(join(alone, "example.mjs"), firstExample(join(root, "packages/sandbox/README.md")));
  const ran = await promisify(execFile)(process.execPath, ["example.mjs"], { cwd: alone, timeout: mostMs });
  expect("example of the sandbox", ran, /^ada@example\.com\n\[ 'GET \/crm\/v3\/objects\/contacts\/\d+ 200' \]\n$/);
}

/** The path of the tarball; `which`: of a workspace. @param {readonly string[]} which */
async function packed(...which) {
  const words = ["pack", "--json", ...quiet, ...which, "--pack-destination", folder];
  const { stdout } = await promisify(execFile)("npm", words, { cwd: root });
  const [{ filename, files, size }] = packedSchema.parse(JSON.parse(stdout.slice(stdout.search(/^\[/m))));
  say(`${filename}: ${files.length} files, ${Math.round(size / 1024)} kB`);
  return join(folder, filename);
}

/** Installs tarballs, and packages by name in the version that Throughline depends on. @param {string} into @param {readonly string[]} packages */
async function install(into, ...packages) {
  const { dependencies } = manifestSchema.parse(JSON.parse(readFileSync(join(root, "package.json"), "utf8")));
  const pinned = packages.map((name) => (dependencies[name] === undefined ? name : `${name}@${dependencies[name]}`));
  const words = ["install", "--omit=dev", "--prefer-offline", ...quiet, ...pinned];
  await promisify(execFile)("npm", words, { cwd: into });
}

/** What the compiler says of a file of the folder; the empty string when it is content. @param {string} name */
async function typed(name) {
  const tsc = [join(root, "node_modules/typescript/bin/tsc"), "--noEmit", "--allowJs", "--checkJs", "--strict"];
  const said = await run(process.execPath, [...tsc, "--module", "nodenext", name]).catch(failureOf);
  return said.stdout + said.stderr;
}

/** @param {string} command @param {readonly string[]} words @returns {Promise<Output>} */
function run(command, words, env = process.env) {
  return promisify(execFile)(command, words, { cwd: folder, env, timeout: mostMs });
}

/** What it says on stderr when it fails. @param {readonly string[]} words */
async function failing(words) {
  const ended = await run(program, words, { ...process.env, TMPDIR: scratch }).then(
    () => ({ code: 0, stderr: "" }),
    failureOf,
  );
  return { stdout: ended.code === 1 ? ended.stderr : `exit code ${ended.code}\n${ended.stderr}` };
}

/** The failure of a program that ran; throws `cause` itself when it is anything else. @param {unknown} cause */
function failureOf(cause) {
  const failure = failureSchema.safeParse(cause);
  if (!failure.success) throw cause;
  return failure.data;
}

/** @param {string} what @param {string | Pick<Output, "stdout">} said @param {RegExp} pattern */
function expect(what, said, pattern) {
  const text = typeof said === "string" ? said : said.stdout;
  if (!pattern.test(text)) throw new Error(`${what}: ${pattern} does not fit ${JSON.stringify(text)}`);
  say(`${what}: ${text.trimEnd().split("\n").at(-1)}`);
}

/** @param {string} line */
function say(line) {
  process.stdout.write(`${line}\n`);
}

await main().catch((/** @type {unknown} */ cause) => {
  const failure = failureSchema.safeParse(cause);
  process.stderr.write(`packed: ${failure.data?.stderr || (cause instanceof Error ? cause.stack : cause)}\n`);
  process.exit(1);
});
