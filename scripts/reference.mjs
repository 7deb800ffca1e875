// Writes docs/errors.md, docs/metrics.md and docs/manifest.schema.json from the built program. With --check: fails when they are not what it would write.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { z } from "zod";

/** @typedef {import("../src/postgres/error-catalogue.js").ErrorEntry} ErrorEntry */
/**
 * The built modules that the pages are made from; each has the types of its source.
 * @typedef {{
 *   "postgres/error-catalogue.js": typeof import("../src/postgres/error-catalogue.js"),
 *   "upstream/error-docs.js": typeof import("../src/upstream/error-docs.js"),
 *   "mirror/guard-errors.js": typeof import("../src/mirror/guard-errors.js"),
 *   "write/errors/catalogue.js": typeof import("../src/write/errors/catalogue.js"),
 *   "proxy/catalogue.js": typeof import("../src/proxy/catalogue.js"),
 *   "journal/states.js": typeof import("../src/journal/states.js"),
 *   "observe/metrics.js": typeof import("../src/observe/metrics.js"),
 *   "manifest/manifest.js": typeof import("../src/manifest/manifest.js"),
 * }} Modules
 */

const root = join(import.meta.dirname, "..");
/** @template {keyof Modules} Path @param {Path} path @returns {Promise<Modules[Path]>} */
const built = (path) => import(pathToFileURL(join(root, "dist/src", path)).href);

const { conditionNames } = await built("postgres/error-catalogue.js");
const { upstreamErrors } = await built("upstream/error-docs.js");
const { guardErrors } = await built("mirror/guard-errors.js");
const { writeErrors } = await built("write/errors/catalogue.js");
const { proxyErrors } = await built("proxy/catalogue.js");
const { states } = await built("journal/states.js");
const { Metrics } = await built("observe/metrics.js");
const { manifestJsonSchema } = await built("manifest/manifest.js");

/** By the key `sent` of the entries. @type {Readonly<Record<ErrorEntry["sent"], string>>} */
const sent = {
  nothing: "nothing was sent",
  refused: "sent, and the API changed nothing",
  accepted: "sent, and the API accepted it",
  part: "sent, and the API accepted a part",
  unknown: "sent, or it may have been; nobody knows what became of it",
  journal: "look into the journal",
};
const note = "<!-- Written by `npm run reference`: change the catalogue in src, not this file. -->";
/** A metric as the registry lists it. The types of prom-client call `type` a number; it is a word. */
const listedSchema = z.object({ name: z.string(), type: z.string(), help: z.string() });
/** A metric itself. The types of prom-client leave these properties out. */
const metricSchema = z.object({ labelNames: z.array(z.string()), upperBounds: z.array(z.number()).optional() });

/** @param {readonly string[]} cells */
const row = (...cells) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
/** @param {readonly string[]} head @param {readonly (readonly string[])[]} rows */
const table = (head, rows) => [row(...head), row(...head.map(() => "---")), ...rows.map((cells) => row(...cells))];

function errorsPage() {
  /** @type {readonly (readonly [string, readonly ErrorEntry[]])[]} */
  const sources = [
    ["statement", [...writeErrors, ...guardErrors]],
    ["API", upstreamErrors],
    ["session", proxyErrors],
  ];
  // First our own class, which matters most.
  const rank = (/** @type {string} */ sqlstate) => (sqlstate.startsWith("TL") ? ` ${sqlstate}` : sqlstate);
  const sorted = Object.entries(conditionNames).sort(([a], [b]) => (rank(a) < rank(b) ? -1 : 1));
  const sections = sorted.flatMap(([sqlstate, name]) => {
    const rows = sources.flatMap(([source, errors]) =>
      errors
        .filter((entry) => entry.sqlstate === sqlstate)
        .map(({ means, sent: became, remedy }) => [source, means, sent[became], remedy]),
    );
    return [`## ${sqlstate} ${name}`, "", ...table(["from", "what it means", "the API call", "what to do"], rows), ""];
  });
  return `${note}

# Errors

The SQLSTATEs that Throughline raises itself, each with its causes. Whatever else a client sees is Postgres's own: it comes from the
statement's run on the mirror table before anything is sent (types, NOT NULL, unique and foreign keys, privileges, row security), or
from a statement that has nothing to do with a mirror table.

Messages begin with who speaks: \`throughline: …\`, or the name of the API and then its own words. DETAIL has the API's code, the HTTP
status, its request id and, of several rows, which; or the journal entry. HINT says what to do. Schema, table, column and constraint
are filled where they are known. *From*: the statement and the guard of its mirror table; the API's answer, or its silence; the
session.

**No program may repeat TL001, TL002 and TL007 by itself.** 40001 and 55P03 can be repeated as whole transactions, 53400 and HV00N after
a while: the API has changed nothing. What is refused for another reason is refused again until something is changed.

${sections.join("\n").trimEnd()}
`;
}

async function metricsPage() {
  const metrics = new Metrics();
  metrics.watch({ connections: () => 0, opening: () => 0, heldStatements: () => 0, journal: async () => [] });
  const all = z.array(listedSchema).parse(await metrics.registry.getMetricsAsJSON());
  const own = all.filter(({ name }) => name.startsWith("throughline_"));
  const rows = own.map(({ name, type, help }) => {
    const { labelNames, upperBounds } = metricSchema.parse(metrics.registry.getSingleMetric(name));
    const labels = labelNames.filter((label) => label !== "le").map((label) => `\`${label}\``);
    const buckets = upperBounds ? ` Buckets: ${upperBounds.join(", ")} s.` : "";
    return [`\`${name}\``, type, labels.join(", "), `${help}${buckets}`];
  });
  return `${note}

# Metrics

\`throughline serve\` answers \`/metrics\` at the address \`http\` of throughline.yaml (127.0.0.1:9543), in Prometheus's text format. No
label holds a value, a key or a role.

${table(["name", "type", "labels", "what it is"], rows).join("\n")}

| label | its values |
| --- | --- |
| \`api\` | the names of the APIs in throughline.yaml |
| \`verb\` | \`insert\`, \`update\`, \`delete\`, \`upsert\` |
| \`outcome\`, \`state\` | states of a journal entry: ${states.map((state) => `\`${state}\``).join(", ")}; of an open one also \`blocked\` |

Beside them are Node.js's own, as prom-client names them: \`process_*\` (CPU, memory, open files) and \`nodejs_*\` (delay of the event loop,
garbage collection, heap). What to alert on is in [operations.md](operations.md#metrics-to-alert-on).
`;
}

const pages = {
  "docs/errors.md": errorsPage(),
  "docs/metrics.md": await metricsPage(),
  "docs/manifest.schema.json": `${JSON.stringify(manifestJsonSchema(), null, 2)}\n`,
};
const check = process.argv.includes("--check");
for (const [path, text] of Object.entries(pages)) {
  if (!check) {
    mkdirSync(join(root, "docs"), { recursive: true });
    writeFileSync(join(root, path), text);
  } else if (readOrNothing(join(root, path)) !== text) {
    process.stderr.write(`${path} is out of date: run "npm run reference"\n`);
    process.exitCode = 1;
  }
}

/** @param {string} path */
function readOrNothing(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
