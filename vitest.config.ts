import { configDefaults, defineConfig } from "vitest/config";

/** What a command of its own asks for: clients that npm does not bring, a machine of its own, minutes of load. */
const asked = [
  ...(process.env["DRIVERS"] === "all" ? [] : ["test/drivers/psql.test.ts"]),
  ...(process.env["HOSTILE"] === "all" ? [] : ["test/hostile/**"]),
  ...(process.env["SOAK"] === "on" ? [] : ["test/faults/soak.test.ts"]),
  ...(process.env["FAULTS"] === "all" ? [] : ["test/faults/clock.test.ts", "test/faults/disk.test.ts"]),
  ...(process.env["FAULTS"] === "all" ? [] : ["test/faults/chaos.test.ts", "test/faults/pull.test.ts"]),
  // The mutants are to be caught by it.
  ...(["all", "mutants"].includes(process.env["FAULTS"] ?? "") ? [] : ["test/faults/directed.test.ts"]),
];

/** What is the same on every version of Postgres, or brings one of its own: asked once, on 18. */
const onEighteen =
  (process.env["PG"] ?? "18") === "18"
    ? []
    : [
        "cli/**",
        "config/**",
        "docs/**",
        "faults/**",
        "http/**",
        "manifest/**",
        "protocol/**",
        "sandbox/**",
        "sql/**",
        "upstream/!(codec-property).test.ts",
        "flow/demo.test.ts",
        "house-rules.test.ts",
        "exhaustive.test.ts",
        "outside-names.test.ts",
      ].map((name) => `test/${name}`);

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: [...configDefaults.exclude, ...asked, ...onEighteen],
    globalSetup: "test/support/global.ts",
    // Most tests wait for Postgres, for processes and for time-outs: one more than there are cores keeps these busy.
    maxWorkers: 3,
    // A worker imports once, not once a file: that was a third of the time, and modules keep no state of a test.
    isolate: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // A second is too short on a machine that is busy.
    expect: { poll: { timeout: 60_000 } },
  },
});
