// Lists each promise of the design with the tests that carry its number. Fails when one has none.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const promises = {
  P1: "One statement, one call",
  P2: "Postgres evaluates SQL",
  P3: "RETURNING is canonical",
  P4: "Refusals are errors in the same statement",
  P5: "Nothing cheap fails late",
  P6: "Nothing is lost, nothing is sent twice",
  P7: "Not knowing is an answer",
  P8: "The mirror never goes back in time",
  P9: "The side door is shut",
  P10: "Transparent otherwise",
  P13: "Only evidence decides",
  P14: "Rights stay where they are",
  P15: "One slows nobody else",
};

const tests = readdirSync("test", { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".test.ts"))
  .flatMap((name) =>
    [...readFileSync(join("test", name), "utf8").matchAll(/["'`](P\d+): ([^\n]+?)["'`],/g)].map(
      ([, promise, title]) => ({
        promise,
        title,
        file: join("test", name),
      }),
    ),
  );

for (const [promise, meaning] of Object.entries(promises)) {
  const own = tests.filter((test) => test.promise === promise);
  process.stdout.write(`${promise} ${meaning} (${own.length})\n`);
  for (const { title, file } of own) process.stdout.write(`    ${title}  [${file}]\n`);
  if (own.length === 0) process.exitCode = 1;
}
