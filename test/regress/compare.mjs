// Two runs of a suite next to each other: a test is the same when verdict and output are, byte for byte.

/** @typedef {import("./suites.mjs").Outcome} Outcome */
/** @typedef {import("./suites.mjs").Outcomes} Outcomes */
/** @typedef {{ readonly test: string, readonly direct: Outcome, readonly proxied: Outcome }} Difference */
/**
 * @typedef {object} Compared
 * @property {string} suite
 * @property {number} tests
 * @property {readonly string[]} failing tests that fail direct, and through the proxy in the same way
 * @property {readonly Difference[]} differing
 */

/** @type {Outcome} */
const absent = { verdict: "no verdict", said: "" };

/** @param {string} suite @param {Outcomes} direct @param {Outcomes} proxied @returns {Compared} */
export function compare(suite, direct, proxied) {
  const names = [...new Set([...direct.keys(), ...proxied.keys()])];
  const all = names.map((test) => ({ test, direct: direct.get(test) ?? absent, proxied: proxied.get(test) ?? absent }));
  return {
    suite,
    tests: all.length,
    failing: all.filter((pair) => same(pair) && pair.direct.verdict === "not ok").map(({ test }) => test),
    differing: all.filter((pair) => !same(pair)),
  };
}

/** A test that came to no verdict is no proof of anything. @param {Difference} pair */
function same({ direct, proxied }) {
  return direct.verdict !== "no verdict" && direct.verdict === proxied.verdict && direct.said === proxied.said;
}

/** @param {readonly Compared[]} compared @returns {string} */
export function table(compared) {
  const head = ["suite", "tests", "same as direct", "differing"];
  const rows = compared.map(({ suite, tests, differing }) => [
    suite,
    String(tests),
    String(tests - differing.length),
    String(differing.length),
  ]);
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (/** @type {readonly string[]} */ cells) =>
    cells.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join("  ");
  return [head, ...rows].map(line).join("\n");
}
