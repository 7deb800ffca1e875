// What tests of recovery share: two contacts, an orphan entry that changes one or makes a third, and what became of it.

import { expect } from "vitest";
import { untilTrue } from "./sessions.js";
import { type Stack, startStack } from "./stack.js";

/** A stack with two contacts whose API has two seconds for an answer. */
export function startRecoveryStack(): Promise<Stack> {
  const seed = [
    { email: "ada@x.com", firstname: "Ada" },
    { email: "bob@x.com", firstname: "Bob" },
  ];
  return startStack({ seed, timeoutMs: 2_000 });
}

/** By which recovery asks upstream what became of a change. */
export const batchRead = { path: "/crm/v3/objects/contacts/batch/read" };

export const create = {
  verb: "insert" as const,
  request: [{ key: null, sent: { email: "new@x.com", firstname: "First" } }],
};

/** `stack` is asked for at each call: tests have one each. */
export function recoveryTools(stack: () => Stack) {
  const idOf = (email: string) =>
    stack()
      .sandbox.records("contacts")
      .find(({ properties }) => properties["email"] === email)?.id ?? "";
  return {
    idOf,
    closed: (call: string) =>
      untilTrue(
        stack().admin,
        `exists (select from throughline.journal where id = '${call}' and closed_at is not null)`,
      ),
    stateOf: async (call: string) =>
      (await stack().admin.query("select state from throughline.journal where id = $1", [call])).rows[0].state,
    /** Upstream has had its time. */
    age: (call: string) =>
      stack().admin.query("update throughline.journal set quiet_moment = nextval('throughline.moment') where id = $1", [
        call,
      ]),
    untilAsked: () =>
      expect
        .poll(() => stack().sandbox.log.filter(({ path }) => path === batchRead.path).length, { timeout: 10_000 })
        .toBeGreaterThan(0),
    change: () => ({
      verb: "update" as const,
      request: [{ key: idOf("ada@x.com"), sent: { firstname: "Augusta" }, before: { firstname: "Ada" } }],
    }),
  };
}
