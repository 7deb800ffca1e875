import { configDefaults, defineConfig } from "vitest/config";

/** What a command of its own asks for: clients that npm does not bring, a machine of its own, minutes of load. */
const asked = [
  ...(process.env["DRIVERS"] === "all" ? [] : ["test/drivers/psql.test.ts"]),
  ...(process.env["SOAK"] === "on" ? [] : ["test/faults/soak.test.ts"]),
  ...(process.env["FAULTS"] === "all" ? [] : ["test/faults/clock.test.ts", "test/faults/disk.test.ts"]),
];

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: [...configDefaults.exclude, ...asked],
    globalSetup: "test/support/global.ts",
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
