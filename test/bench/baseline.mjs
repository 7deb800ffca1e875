// The committed result, and what a run is held to.
//
// Microseconds differ between machines, so what is compared is a share of two figures of the same run: our CPU per query
// against that of relay.mjs, a naive socket.pipe in Node that reaches Postgres by the same way, under load at the same time.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { z } from "zod";
import { Unable } from "./scope.mjs";

/** @typedef {import("./rounds.mjs").Compared} Compared */
/** @typedef {import("./rounds.mjs").Measured} Measured */
/** @typedef {Readonly<Record<string, number>>} Figures of one leg in one configuration */
/** @typedef {{ readonly name: string, readonly ofRelay: number, readonly committed: number, readonly over: boolean, readonly compared: Compared }} Judged */

/** How far CPU per query, as a share of the relay's, may rise above the committed one. */
export const allowed = 1.1;
const path = new URL("./baseline.json", import.meta.url);
const figuresSchema = z.record(z.string(), z.number());
const baselineSchema = z.object({
  machine: z.record(z.string(), z.unknown()),
  /** By our leg and configuration: what a run is held to. */
  ofRelay: figuresSchema,
  /** By leg and configuration: to be read, not compared with. */
  measured: z.record(z.string(), figuresSchema),
});
/** @typedef {Readonly<z.infer<typeof baselineSchema>>} Baseline */

/** @param {string} postgres its version @param {string} load */
export function machine(postgres, load) {
  const { platform, arch, versions } = process;
  return { cores: cpus().length, platform: `${platform} ${arch}`, node: versions.node, postgres, load };
}

/** @param {readonly Measured[]} measured @param {readonly Compared[]} compared @param {Baseline["machine"]} on */
export function commitBaseline(measured, compared, on) {
  /** @type {Baseline} */
  const baseline = {
    machine: on,
    ofRelay: Object.fromEntries(compared.map((one) => [nameOf(one), round(one.ofRelay, 3)])),
    measured: Object.fromEntries(measured.map((one) => [nameOf(one), figures(one)])),
  };
  writeFileSync(path, oneLineEach(baseline));
}

/** JSON with one line for each configuration, so that a new baseline reads well as a diff. @param {Baseline} baseline */
function oneLineEach(baseline) {
  const part = (/** @type {Readonly<Record<string, unknown>>} */ of) =>
    Object.entries(of).map(([key, value]) => `    ${JSON.stringify(key)}: ${line(value)}`);
  const parts = Object.entries(baseline).map(([key, of]) => `  "${key}": {\n${part(of).join(",\n")}\n  }`);
  return `{\n${parts.join(",\n")}\n}\n`;
}

/** @param {unknown} value */
function line(value) {
  return typeof value !== "object"
    ? JSON.stringify(value)
    : JSON.stringify(value, null, 1).replaceAll(/\s*\n\s*/g, " ");
}

/** Throws ZodError when the file has another shape than a baseline. @returns {Baseline} */
export function readBaseline() {
  if (!existsSync(path)) throw new Unable("there is no baseline.json: make one with --commit-baseline");
  return baselineSchema.parse(JSON.parse(readFileSync(path, "utf8")));
}

/** @param {readonly Compared[]} compared @param {Baseline} baseline @returns {Judged[]} */
export function judge(compared, baseline) {
  return compared.map((one) => {
    const name = nameOf(one);
    const { ofRelay } = one;
    const committed = baseline.ofRelay[name];
    if (committed === undefined)
      throw new Unable(`baseline.json has no "${name}": make it anew with --commit-baseline`);
    // Written so that not a number is over, too: what was not measured has not passed.
    return { name, ofRelay, committed, over: !(ofRelay <= committed * allowed), compared: one };
  });
}

/** @param {Measured} measured @returns {Figures} */
function figures({ perSecond, throughput, addedP50Us, cpuPerQueryUs, configuration }) {
  return {
    ...(cpuPerQueryUs === undefined ? {} : { cpuPerQueryUs: round(cpuPerQueryUs, 1) }),
    throughput: round(throughput, 2),
    perSecond: round(perSecond, 0),
    ...(configuration.clients === 1 ? { addedP50Us: round(addedP50Us, 0) } : {}),
  };
}

/** @param {Pick<Compared, "leg" | "configuration">} of */
function nameOf({ leg, configuration: { protocol, clients } }) {
  return `${leg.name} ${leg.by}, ${protocol}, ${clients}`;
}

/** @param {number} value @param {number} places */
function round(value, places) {
  return Number(value.toFixed(places));
}
