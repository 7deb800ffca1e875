// What goes wrong between a proxy and Postgres: at each arrow of a write, before Postgres hears of it or when it has answered.

import type pg from "pg";
import { cancel, vanish } from "../support/sessions.js";
import type { Random } from "./random.js";
import type { ProxyProcess, World } from "./world.js";

/** The arrows, each by a text that the proxy writes there. */
const arrows = {
  plan: "throughline.plan(",
  lock: "throughline.lock(",
  intent: "insert into throughline.journal",
  outcome: "update throughline.journal set state = $2, rows",
  stage: "throughline.stage(",
  close: "throughline.close(",
  settle: "insert into throughline.applied",
  "note of the close": "update throughline.journal set closed_at",
} as const;

const actions = [
  "kill -9 of the proxy",
  "connection cut",
  "backend killed",
  "fast restart of Postgres",
  "immediate restart of Postgres",
  "client gone",
  "client cancels",
] as const;

export type TrapName = `${(typeof actions)[number]} ${"before" | "after"} ${keyof typeof arrows}`;

/** Every one of them once, in an order of the seed's. */
export function shuffledTraps(random: Random): TrapName[] {
  const names = arrowNames().flatMap((arrow) =>
    (["before", "after"] as const).flatMap((when) => actions.map((action): TrapName => `${action} ${when} ${arrow}`)),
  );
  const shuffled: TrapName[] = [];
  for (const name of names) shuffled.splice(random.below(shuffled.length + 1), 0, name);
  return shuffled;
}

/** `client`: the one that the trap is for, once it is connected. */
export function setTrap(world: World, proxy: ProxyProcess, name: TrapName, client: () => pg.Client | undefined): void {
  const action = actions.find((one) => name.startsWith(one));
  const arrow = arrowNames().find((one) => name.endsWith(` ${one}`));
  if (!action || !arrow) throw new Error(`no such trap: ${name}`);
  proxy.relay.set({
    text: arrows[arrow],
    when: name.includes(" before ") ? "before" : "after",
    spring: async ({ port, cut }) => {
      switch (action) {
        case "kill -9 of the proxy":
          return proxy.kill();
        case "connection cut":
          return cut();
        case "backend killed": {
          const admin = await world.admin();
          await admin.query("select pg_terminate_backend(pid) from pg_stat_activity where client_port = $1", [port]);
          return;
        }
        case "client gone": {
          const here = client();
          if (here) vanish(here);
          return;
        }
        case "client cancels": {
          const here = client();
          if (here) await cancel(here, proxy.port).catch(() => undefined);
          return;
        }
        case "fast restart of Postgres":
          return world.restart("fast");
        case "immediate restart of Postgres":
          return world.restart("immediate");
      }
    },
  });
}

function arrowNames(): (keyof typeof arrows)[] {
  const isArrow = (name: string): name is keyof typeof arrows => Object.hasOwn(arrows, name);
  return Object.keys(arrows).filter(isArrow);
}
