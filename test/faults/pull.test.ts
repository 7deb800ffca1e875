// A pull of many records while clients write without pause: it comes to its end, and nothing is missing. `npm run faults:pull` for 200,000.

import { expect, test } from "vitest";
import { awaitRest, differAtRest, judgeWrites } from "./chaos-oracle.js";
import { keepWriting } from "./chaos-writers.js";
import { Random } from "./random.js";
import { startUnrulyApi } from "./unruly-api.js";
import { type ApiName, startWorldOf } from "./world.js";

const count = Number(process.env["PULL_RECORDS"] ?? 3_000);
const seed = Number(process.env["FAULTS_SEED"] ?? 1);
const timeoutMs = 5_000;
const writers = 4;

// Without a unique column nothing but the time tells which record may be a create's.
test.each<ApiName>(["named", "plain"])(
  `P8, P11, P12: a pull of ${count} records of %s beside ${writers} clients that never pause`,
  async (api) => {
    const world = await startWorldOf(18, { timeoutMs, startApi: (name) => startUnrulyApi(name === "named") });
    try {
      const by = { isOurs: false, askedMs: performance.now() };
      for (let n = 0; n < count; n += 1) {
        world.apis[api].records.change("insert", [{ index: 0, id: "", fields: { name: `old-${n}`, note: "old" } }], by);
      }
      let issued = 0;
      let isPulled = false;
      const next = () => {
        issued += 1;
        return isPulled ? undefined : issued;
      };
      const lives = Array.from({ length: writers }, (_, index) =>
        keepWriting({ world, random: new Random(seed + index), name: `p${index}`, apis: [api], next }),
      );
      const begunMs = performance.now();
      const failed = await world.pull().then(
        () => undefined,
        (cause: unknown) => String(cause),
      );
      const pulledMs = performance.now();
      const admin = await world.admin();
      const mirror = await admin.query(
        "select complete_at is not null as complete from throughline.mirror where schema_name = $1",
        [api],
      );
      const parked = await admin.query("select from throughline.parked");
      isPulled = true;
      const writes = (await Promise.all(lives)).flat();
      const { entries, late } = await awaitRest(world);
      const differences = await differAtRest(world, [api]);
      const seconds = Math.round((pulledMs - begunMs) / 1_000);
      process.stdout.write(
        `pull of ${count} of ${api}: ${seconds} s, ${writes.length} writes beside it, ${parked.rowCount} rows parked at its end\n`,
      );
      const refused = writes
        .filter(({ told }) => told !== "ok")
        .map(({ token, told, words }) => `${token}: told ${told} ${words}`);
      expect(
        [failed, ...late, ...differences, ...judgeWrites(world, writes, entries, timeoutMs), ...refused].filter(
          Boolean,
        ),
      ).toEqual([]);
      expect(mirror.rows).toEqual([{ complete: true }]);
    } finally {
      await world.close();
    }
  },
  3_600_000,
);
