import { configDefaults, defineConfig } from "vitest/config";

/** Clients that npm does not bring: `npm run drivers` asks for them. */
const installed = ["test/drivers/psql.test.ts"];

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: [...configDefaults.exclude, ...(process.env["DRIVERS"] === "all" ? [] : installed)],
    globalSetup: "test/support/global.ts",
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
