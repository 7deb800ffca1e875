// Connections, transactions and locks that are given back, whatever becomes of the work and of the connection.

import pg, { DatabaseError } from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from "vitest";
import { withAdvisoryLock } from "../../src/postgres/advisory-lock.js";
import { withClient, withLease } from "../../src/postgres/connection.js";
import { ConnectionLost, isConnectionLost, PostgresUnreachable } from "../../src/postgres/connection-lost.js";
import { inSavepoint, inTransaction } from "../../src/postgres/transaction.js";

let admin: pg.Client;
let pool: pg.Pool;
beforeAll(async () => {
  admin = new pg.Client({ connectionString: inject("postgres") });
  await admin.connect();
  await admin.query("create table public.transactions (word text)");
});
afterAll(async () => {
  await admin.query("drop table public.transactions");
  await admin.end();
});
beforeEach(() => {
  pool = new pg.Pool({ connectionString: inject("postgres"), max: 2 });
  // As in app/open.ts.
  pool.on("connect", (client) => client.on("error", () => undefined));
});
/** Of a pool that has a client checked out it would never resolve. */
afterEach(async () => {
  await pool.end();
  await admin.query("truncate public.transactions");
});

const insert = (client: pg.PoolClient, word: string) =>
  client.query("insert into public.transactions values ($1)", [word]);
const words = async () => (await admin.query("select word from public.transactions order by 1")).rows;
const processId = async (client: pg.PoolClient) => (await client.query("select pg_backend_pid() as pid")).rows[0].pid;

/** Resolves when the session is gone, and the locks with it. */
async function terminate(pid: number): Promise<void> {
  await admin.query("select pg_terminate_backend($1)", [pid]);
  while ((await admin.query("select from pg_stat_activity where pid = $1", [pid])).rowCount !== 0);
}

const lostByCommand = {
  constructor: ConnectionLost,
  message: "the connection to Postgres was lost (terminating connection due to administrator command)",
};

describe("a transaction", () => {
  test("commits what was done, and gives its connection back for the next", async () => {
    const first = await inTransaction(pool, async (client) => {
      await insert(client, "done");
      return processId(client);
    });
    expect(await inTransaction(pool, processId)).toBe(first);
    expect(await words()).toEqual([{ word: "done" }]);
  });

  test("rolls back what failed, and gives its connection back for the next", async () => {
    let first = 0;
    const failed = inTransaction(pool, async (client) => {
      first = await processId(client);
      await insert(client, "undone");
      await client.query("select 1 / 0");
    });
    await expect(failed).rejects.toMatchObject({ code: "22012" });
    expect(await inTransaction(pool, processId)).toBe(first);
    expect(await words()).toEqual([]);
  });

  test("rolls back a result that is not to be kept, and returns it", async () => {
    const work = async (client: pg.PoolClient) => {
      await insert(client, "undone");
      return "result";
    };
    expect(await inTransaction(pool, work, (result) => result !== "result")).toBe("result");
    expect(await words()).toEqual([]);
  });

  test("throws what made the work fail, although the rollback fails as well", async () => {
    const failed = inTransaction(pool, async (client) => {
      await terminate(await processId(client));
      throw new Error("the cause");
    });
    await expect(failed).rejects.toThrow(/^the cause$/);
    expect(pool.totalCount).toBe(0);
  });

  test("says in one sentence that its connection was lost", async () => {
    const failed = inTransaction(pool, async (client) => {
      await client.query("select pg_terminate_backend(pg_backend_pid())");
    });
    await expect(failed).rejects.toMatchObject(lostByCommand);
    expect(pool.totalCount).toBe(0);
  });

  test("undoes no more than what stands behind its savepoint", async () => {
    await inTransaction(pool, async (client) => {
      await insert(client, "before");
      const failed = inSavepoint(client, async () => {
        await insert(client, "behind");
        await client.query("select 1 / 0");
      });
      await expect(failed).rejects.toMatchObject({ code: "22012" });
      await insert(client, "after");
    });
    expect(await words()).toEqual([{ word: "after" }, { word: "before" }]);
  });
});

test("a connection that is left in a transaction is closed", async () => {
  const first = await withClient(pool, async (client) => {
    await client.query("begin");
    return processId(client);
  });
  expect(await withClient(pool, processId)).not.toBe(first);
});

test("a server that can't be reached is told in one sentence", async () => {
  const nowhere = new pg.Pool({ connectionString: "postgres://127.0.0.1:1/none" });
  await expect(withClient(nowhere, processId)).rejects.toMatchObject({
    constructor: PostgresUnreachable,
    message: "Postgres can't be reached (connect ECONNREFUSED 127.0.0.1:1)",
  });
  await nowhere.end();
});

test("an answer from outside is not waited for when the connection is lost", async () => {
  const failed = withLease(pool, async (lease) => {
    const pid = await processId(lease.client);
    await Promise.all([lease.unlessLost(new Promise(() => undefined)), terminate(pid)]);
  });
  await expect(failed).rejects.toMatchObject(lostByCommand);
});

describe("an advisory lock", () => {
  const lock = { name: "a test's lock", id: 7 };
  const isTaken = async () => (await withAdvisoryLock(pool, lock, async () => "mine")) === undefined;

  test("is held while the work runs, and free behind it", async () => {
    const result = await withAdvisoryLock(pool, lock, async () => {
      expect(await isTaken()).toBe(true);
      return "done";
    });
    expect(result).toBe("done");
    expect(await isTaken()).toBe(false);
  });

  test("is free behind a work that fails", async () => {
    const failed = withAdvisoryLock(pool, lock, async () => {
      throw new Error("the cause");
    });
    await expect(failed).rejects.toThrow(/^the cause$/);
    expect(await isTaken()).toBe(false);
  });

  test("that is lost ends its work: the next holder is the only one that writes", async () => {
    const failed = withAdvisoryLock(pool, lock, async ({ client, lossSignal }) => {
      await terminate(await processId(client));
      const next = await withAdvisoryLock(pool, lock, async (other) => {
        await insert(other.client, "next");
        return "next";
      });
      expect([next, lossSignal.aborted]).toEqual(["next", true]);
      await inTransaction(client, () => insert(client, "first"));
    });
    await expect(failed).rejects.toMatchObject(lostByCommand);
    expect(await words()).toEqual([{ word: "next" }]);
  });

  test("that is lost behind the last step takes nothing away from the result", async () => {
    const result = await withAdvisoryLock(pool, lock, async ({ client }) => {
      await terminate(await processId(client));
      return "done";
    });
    expect(result).toBe("done");
    expect(pool.totalCount).toBe(0);
  });

  test("that can't be given back goes with its connection", async () => {
    const result = await withAdvisoryLock(pool, lock, async ({ client }) => {
      await client.query("begin");
      await client.query("select 1 / 0").catch(() => undefined);
      return "done";
    });
    expect(result).toBe("done");
    await expect.poll(isTaken).toBe(false);
  });
});

test.each([
  ["a shutdown", withCode("57P01"), true],
  ["a session that idled too long", withCode("57P05"), true],
  ["a transaction that idled too long", withCode("25P03"), true],
  ["a failure of the connection", withCode("08006"), true],
  ["a socket that was reset", Object.assign(new Error("read"), { code: "ECONNRESET", syscall: "read" }), true],
  ["the driver's word", new Error("Connection terminated unexpectedly"), true],
  ["a query behind it", new Error("Client has encountered a connection error and is not queryable"), true],
  ["a cancelled statement", withCode("57014"), false],
  ["a server that is starting up", withCode("57P03"), false],
  ["a message that breaks the protocol", withCode("08P01"), false],
  ["a violated constraint", withCode("23505"), false],
  ["a password that is wrong", withCode("28P01"), false],
  ["a fault of ours", new TypeError("undefined is not a function"), false],
  ["what is no error", "Connection terminated", false],
])("whether %s is a lost connection: %#", (_, cause, expected) => {
  expect(isConnectionLost(cause)).toBe(expected);
});

function withCode(code: string): DatabaseError {
  return Object.assign(new DatabaseError("said", 4, "error"), { code });
}
