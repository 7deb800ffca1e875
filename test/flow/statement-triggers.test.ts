// A statement trigger of the user's on a mirror fires for its own verb, once, and forbids no other statement.

import { serialize } from "pg-protocol";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { refused } from "../support/answers.js";
import { startThings, type Things } from "../support/things.js";
import { WireClient } from "../support/wire.js";

let things: Things;
beforeAll(async () => {
  things = await startThings();
});
afterAll(() => things.close());
beforeEach(() => things.reset());

describe("a statement trigger of the user's", () => {
  const withTrigger = async (when: string, body: string, act: () => Promise<void>) => {
    await things.admin.query(`create function public.own() returns trigger language plpgsql security definer as $$begin ${body}; return null; end$$;
      create trigger own ${when} for each statement execute function public.own()`);
    await act().finally(() => things.admin.query("drop function public.own cascade"));
  };

  test("P2: fires for its own verb only", async () => {
    await withTrigger(
      "after insert or delete on mirror.things",
      "insert into public.local values (0, tg_op)",
      async () => {
        const client = await things.client();
        await client.query("update mirror.things set label = 'u' where target = 'a'");
        expect(await things.local()).toEqual([]);
      },
    );
  });

  test.each(["INSERT", "COPY"])("P2: fires once, with all rows: %s", async (verb) => {
    const wire = await WireClient.login(things.port, "app", things.database);
    const count = "insert into public.local select count(*), string_agg(computed, ',' order by target) from fresh";
    await withTrigger("after insert on mirror.things referencing new table as fresh", count, async () => {
      const columns = "mirror.things (origin, target, label)";
      if (verb === "INSERT") {
        await wire.ask(serialize.query(`insert into ${columns} values (50, 'x', 'good'), (51, 'y', 'b')`));
      } else {
        wire.send(serialize.query(`copy ${columns} from stdin`));
        await wire.until("G");
        await wire.ask(serialize.copyData(Buffer.from("50\tx\tgood\n51\ty\tb\n")), serialize.copyDone());
      }
      expect(await things.local()).toEqual(['(2,"GOOD,B")']);
    });
    wire.close();
  });

  test.each([
    ["UPDATE", "DELETE", "update mirror.things set label = 'u' where target = 'a'"],
    ["DELETE", "INSERT", "delete from mirror.things where target = 'a'"],
    ["INSERT", "DELETE", "insert into mirror.things (origin, target, label) values (5, 'x', 'i')"],
  ])("P5: %s is not forbidden by a trigger that forbids %s", async (_, forbidden, sql) => {
    await withTrigger(`before ${forbidden} on mirror.things`, "raise 'no % here', tg_op", async () => {
      const client = await things.client();
      expect(await refused(client.query(sql))).toEqual({ code: "accepted" });
      expect(things.api.requests).toHaveLength(1);
      await client.query("select 1");
      expect(await things.rows("select state from throughline.journal where blocked is not null")).toEqual([]);
    });
  });

  test("P8: a pull is not forbidden by a trigger that forbids DELETE", async () => {
    await withTrigger("before delete on mirror.things", "raise 'no'", async () => {
      things.api.add({ origin: 77, target: "p", label: "pulled" });
      await things.pull();
      expect(await things.rows("select target from mirror.things where origin = 77")).toEqual([{ target: "p" }]);
    });
  });
});
