// Many short slices in turn, so that what the machine does meanwhile meets every leg alike; medians of them.

import { runSlice } from "./slice.mjs";

/** @typedef {import("./stack.mjs").Leg} Leg */
/** @typedef {import("./slice.mjs").Bench} Bench */
/** @typedef {import("./slice.mjs").Configuration} Configuration */
/** @typedef {import("./slice.mjs").Slice} Slice */
/** @typedef {(done: number, all: number) => void} Progress */
/**
 * The medians of one leg in one configuration.
 * @typedef {object} Measured
 * @property {Leg} leg
 * @property {Configuration} configuration
 * @property {number} perSecond
 * @property {number} throughput against direct
 * @property {number} addedP50Us to direct
 * @property {number | undefined} cpuPerQueryUs
 */
/** @typedef {{ readonly leg: Leg, readonly configuration: Configuration, readonly ofRelay: number }} Compared CPU per query against the relay's */

/** @param {Bench} bench @param {readonly Leg[]} legs @param {readonly Configuration[]} configurations @param {number} rounds @param {Progress} progress @returns {Promise<Measured[]>} */
export async function measure(bench, legs, configurations, rounds, progress) {
  const pairs = configurations.flatMap((configuration) => legs.map((leg) => ({ configuration, leg })));
  const slices = await inTurn(pairs, rounds, progress, ({ leg, configuration }) => runSlice(bench, leg, configuration));
  return pairs.map((pair) => {
    const own = slices.get(pair) ?? [];
    const [direct] = pairs.filter(
      ({ leg, configuration }) => leg.kind === "direct" && configuration === pair.configuration,
    );
    const bare = (direct && slices.get(direct)) ?? [];
    return {
      ...pair,
      perSecond: median(own.map(({ perSecond }) => perSecond)),
      // Ratios are taken round by round: what slows a whole round down is in both of their sides.
      throughput: median(own.map(({ perSecond }, round) => perSecond / (bare[round]?.perSecond ?? Number.NaN))),
      addedP50Us: median(own.map(({ p50Us }, round) => p50Us - (bare[round]?.p50Us ?? Number.NaN))),
      cpuPerQueryUs: pair.leg.pid === undefined ? undefined : median(own.map(({ cpuPerQueryUs = 0 }) => cpuPerQueryUs)),
    };
  });
}

/**
 * Each of our legs and the relay to Postgres by the same way, under the same load at the same time: whatever disturbs one
 * disturbs the other, and the ratio of their CPU per query is about twice as steady as that of two slices in turn.
 * @param {Bench} bench @param {readonly Leg[]} legs @param {readonly Configuration[]} configurations @param {number} rounds @param {Progress} progress @returns {Promise<Compared[]>}
 */
export async function compareAtOnce(bench, legs, configurations, rounds, progress) {
  const ours = legs.filter(({ kind }) => kind === "ours");
  const pairs = configurations.flatMap((configuration) => ours.map((leg) => ({ configuration, leg })));
  const ratios = await inTurn(pairs, rounds, progress, async ({ leg, configuration }) => {
    const both = [leg, ...legs.filter(({ kind, by }) => kind === "reference" && by === leg.by)];
    const [own, relay] = await Promise.all(both.map((one) => runSlice(bench, one, configuration)));
    return (own?.cpuPerQueryUs ?? Number.NaN) / (relay?.cpuPerQueryUs ?? Number.NaN);
  });
  return pairs.map((pair) => ({ ...pair, ofRelay: median(ratios.get(pair) ?? []) }));
}

/**
 * Everything once in each round, each round beginning elsewhere, so that nobody is always behind the same other.
 * @template T, R @param {readonly T[]} all @param {number} rounds @param {Progress} progress @param {(one: T) => Promise<R>} run @returns {Promise<Map<T, R[]>>}
 */
async function inTurn(all, rounds, progress, run) {
  /** @type {Map<T, R[]>} */
  const results = new Map(all.map((one) => [one, []]));
  let done = 0;
  for (let round = 0; round < rounds; round += 1) {
    const first = (round * 7) % all.length;
    for (const one of [...all.slice(first), ...all.slice(0, first)]) {
      results.get(one)?.push(await run(one));
      done += 1;
      progress(done, rounds * all.length);
    }
  }
  return results;
}

/** @param {readonly number[]} values */
function median(values) {
  const sorted = Float64Array.from(values).sort();
  const half = sorted.length >> 1;
  const upper = sorted[half] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[half - 1] ?? Number.NaN)) / 2;
}
