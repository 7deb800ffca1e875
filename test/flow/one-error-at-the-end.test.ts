// A session that loses its Postgres tells the statement that waits one error, and the statement behind it none.

import pg from "pg";
import { serialize } from "pg-protocol";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openPool } from "../../src/app/open.js";
import { serve } from "../../src/app/serve.js";
import type { RunningProxy } from "../../src/proxy/start.js";
import { refused } from "../support/answers.js";
import { query, run } from "../support/conversation.js";
import { untilSent } from "../support/sessions.js";
import { type Stack, startStack } from "../support/stack.js";
import { type RelayedSession, startTappedRelay, type TappedRelay } from "../support/tapped-relay.js";
import { shown, WireClient } from "../support/wire.js";

let stack: Stack;
let relay: TappedRelay;
let proxy: RunningProxy;
let closePool: () => Promise<void>;
beforeAll(async () => {
  stack = await startStack({ seed: [{ email: "ada@x.com" }], timeoutMs: 2_000 });
  relay = await startTappedRelay(stack.admin.port);
  const { config } = stack.opened;
  const log = pino({ level: "silent" });
  const url = Object.assign(new URL(config.postgres.url), { hostname: "127.0.0.1", port: String(relay.port) }).href;
  const relayed = { ...config, postgres: { ...config.postgres, url } };
  const pool = openPool(relayed, log);
  closePool = () => pool.close();
  proxy = await serve({ ...stack.opened, config: relayed, log, pool }, { host: "127.0.0.1", port: 0 });
});
afterAll(async () => {
  await proxy.close();
  await closePool();
  relay.close();
  await stack.close();
});

let count = 0;
const freshAddress = () => {
  count += 1;
  return `n${count}@x.com`;
};
const insert = (email: string) => `insert into hubspot.contacts (email) values ('${email}')`;
const { sync } = serialize;

/** How a statement is sent, and what is heard of it when it is answered in time. */
const protocols: Readonly<Record<string, (text: string) => readonly Buffer[]>> = {
  "a Query": (text) => [...query(text), ...query("select 'next'")],
  "a string": (text) => [...query(`select 1; ${text}`), ...query("select 'next'")],
  "extended messages": (text) => [...run(text), sync(), ...query("select 'next'")],
  "a pipeline": (text) => [...run("select 1"), ...run(text), ...run("select 'later'"), sync(), ...query("select 1")],
};

type Loss = (session: RelayedSession) => Promise<unknown>;
const terminate = async ({ ended }: RelayedSession) => {
  await stack.admin.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'app' and datname = current_database()",
  );
  await ended;
};
const losses: Readonly<Record<string, Loss>> = {
  terminated: terminate,
  lost: async (session) => session.cut(),
};

/** When Postgres is lost. */
interface Moment {
  readonly what: string;
  readonly fault?: Parameters<Stack["sandbox"]["fault"]>[0];
  /** Begun before the statement is sent. */
  readonly during: (loss: Loss) => Promise<unknown>;
  /** What is sent in place of an address that the API takes. */
  readonly email?: string;
  /** Only where the statement is a transaction by itself. */
  readonly isAlone?: true;
  /** It lasts as long as the API's time-out. */
  readonly isSlow?: true;
  /** What is heard of it: SQLSTATEs of errors, and the ReadyForQuery behind them. */
  readonly heard: { readonly terminated: readonly string[]; readonly lost: readonly string[] };
}
const always = (...heard: readonly string[]) => ({ terminated: heard, lost: heard });
const afterSent = async (loss: Loss) => {
  await untilSent(stack.admin);
  await loss(relay.last);
};
/** Recovery asks for what is unknown by other requests. */
const on = { method: "POST", path: "/crm/v3/objects/contacts" };
const hangUp = { kind: "hang-up-after", on } as const;
const nothing = async () => undefined;
const moments: readonly Moment[] = [
  {
    what: "before its call",
    during: (loss) => relay.before("to postgres", "throughline.planned", loss),
    heard: { terminated: ["E 57P01"], lost: ["E 08006"] },
  },
  {
    what: "during a call that is accepted",
    fault: { kind: "slow", ms: 300, on },
    during: afterSent,
    heard: always("E TL002", "Z"),
  },
  {
    what: "during a call of which no answer comes",
    fault: { kind: "hang", on },
    isAlone: true,
    isSlow: true,
    during: afterSent,
    heard: always("E TL007", "Z"),
  },
  {
    what: "when an unknown outcome is about to be raised",
    fault: hangUp,
    during: (loss) => relay.before("to postgres", "throughline.refuse", loss),
    heard: always("E TL007", "Z"),
  },
  {
    what: "when an unknown outcome has been raised, and not been told",
    fault: hangUp,
    during: (loss) => relay.before("to proxy", "TL007", loss),
    heard: always("E TL007", "Z"),
  },
  {
    what: "when an unknown outcome has been told, and its transaction is yet to end",
    fault: hangUp,
    during: (loss) => relay.before("to proxy", "TL007", nothing).then(() => relay.before("to postgres", "", loss)),
    heard: always("E TL007", "Z"),
  },
  {
    what: "when a refusal has been told, and its transaction is yet to end",
    email: "no address",
    during: (loss) => relay.before("to proxy", "22P02", nothing).then(() => relay.before("to postgres", "", loss)),
    heard: always("E 22P02", "Z"),
  },
  {
    what: "before what was accepted is applied",
    during: (loss) => relay.before("to postgres", "throughline.stage", loss),
    heard: always("E TL002", "Z"),
  },
  {
    what: "while what was accepted is applied",
    during: async (loss) => {
      await relay.before("to postgres", "throughline.stage", nothing);
      await relay.before("to proxy", "INSERT 0 1", loss);
    },
    heard: always("E TL002", "Z"),
  },
  {
    what: "before its COMMIT",
    during: (loss) => relay.before("to postgres", "commit", loss),
    isAlone: true,
    heard: always("E TL002", "Z"),
  },
  {
    what: "behind its COMMIT",
    isAlone: true,
    during: (loss) => relay.before("to proxy", "COMMIT", loss),
    heard: always("Z"),
  },
];

/** Errors and ReadyForQuery up to the end of the connection. */
async function heardBy(wire: WireClient): Promise<string[]> {
  const heard: string[] = [];
  for (let message = await wire.next(); message; message = await wire.next()) {
    if (message.type === "E") heard.push(...shown([message]));
    else if (message.type === "Z") heard.push("Z");
  }
  return heard;
}

const cases = Object.keys(protocols).flatMap((protocol) =>
  moments
    .filter(({ isSlow }) => !isSlow || protocol === "a Query" || protocol === "extended messages")
    .flatMap((moment) =>
      (["terminated", "lost"] as const).flatMap((loss) =>
        (moment.isAlone ? [""] : ["", "in a transaction"]).map((block) => ({
          protocol,
          moment,
          loss,
          block,
          ...moment,
        })),
      ),
    ),
);

describe("P7: a statement whose Postgres is gone hears one error, and the next one none", () => {
  test.each(cases)("$loss $what: $protocol $block", async ({ protocol, loss, block, moment }) => {
    const wire = await WireClient.login(proxy.port, "app", stack.database);
    if (block !== "") await wire.ask(...query("begin"));
    if (moment.fault) stack.sandbox.fault(moment.fault);
    const gone = moment.during(losses[loss] ?? terminate);
    wire.send(...(protocols[protocol]?.(insert(moment.email ?? freshAddress())) ?? []));
    expect(await heardBy(wire)).toEqual(moment.heard[loss]);
    await gone;
  });
});

test.each(Object.keys(losses))(
  "P7: a client that waits for the error before it syncs hears no other: %s",
  async (how) => {
    const wire = await WireClient.login(proxy.port, "app", stack.database);
    stack.sandbox.fault(hangUp);
    wire.send(...run(insert(freshAddress())), serialize.flush());
    expect(shown(await wire.until("E")).at(-1)).toBe("E TL007");
    await losses[how]?.(relay.last);
    expect(await heardBy(wire)).toEqual([]);
  },
);

test("P7: a proxy that stops behind the error of a statement says no other", async () => {
  const stopping = await serve(stack.opened, { host: "127.0.0.1", port: 0 });
  const wire = await WireClient.login(stopping.port, "app", stack.database);
  stack.sandbox.fault(hangUp);
  wire.send(...run(insert(freshAddress())), serialize.flush());
  expect(shown(await wire.until("E")).at(-1)).toBe("E TL007");
  await stopping.close();
  expect(await heardBy(wire)).toEqual([]);
});

test.each(moments.filter(({ heard }) => heard.lost.includes("E TL007")))(
  "P7: node-postgres rejects the statement with its outcome, and the next one as closed: $what",
  async ({ fault, during }) => {
    for (const [loss, queryMode] of [
      [terminate, "simple"],
      [losses["lost"], "extended"],
    ] as const) {
      const client = new pg.Client(`postgres://app:app@127.0.0.1:${proxy.port}/${stack.database}`);
      const ended: unknown[] = [];
      client.on("error", (cause) => ended.push(cause));
      await client.connect();
      if (fault) stack.sandbox.fault(fault);
      const gone = during(loss ?? terminate);
      const asked = refused(
        client.query({ text: insert(freshAddress()), ...(queryMode === "extended" ? { queryMode } : {}) }),
      );
      const next = refused(client.query("select 1"));
      expect(await asked).toMatchObject({ code: "TL007" });
      expect(await next).toMatchObject({ message: "Connection terminated unexpectedly" });
      expect(ended).toEqual([expect.objectContaining({ message: "Connection terminated unexpectedly" })]);
      await gone;
    }
  },
);
