// @ts-check
// The stage on which a program performs its shapes: each on a connection of its own, announced to capture.mjs on stdout.

import { createInterface } from "node:readline";

/**
 * @template Db
 * @param {(url: string) => Promise<Db>} open connects, and says all that the client says before it is of use
 * @param {(db: Db) => Promise<unknown>} close
 * @param {Record<string, (db: Db) => Promise<unknown>>} shapes
 */
export async function play(open, close, shapes) {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const say = async (/** @type {string} */ line) => {
    process.stdout.write(`${line}\n`);
    await lines.next();
  };
  for (const [shape, perform] of Object.entries(shapes)) {
    await say("begin connect");
    const db = await open(process.env["DATABASE_URL"] ?? "");
    await say(`begin ${shape}`);
    await perform(db);
    await say("end");
    await close(db);
  }
  process.exit(0);
}

/** What a program throws to have its transaction rolled back. */
export class Undo extends Error {}

/** @param {Promise<unknown>} transaction */
export async function undone(transaction) {
  await transaction.catch((cause) => {
    if (!(cause instanceof Undo)) throw cause;
  });
}

/** @param {string} email @param {string} firstname */
export const person = (email, firstname) => ({ email: `${email}@example.com`, firstname });

/** Three rows for a bulk insert. */
export const three = [person("tia", "Tia"), person("tom", "Tom"), person("tim", "Tim")];

/** A row with a value in all columns that a client may write. */
export const wide = {
  email: "wide@example.com",
  firstname: "Wanda",
  lastname: "O'Wide",
  phone: "+491701234567",
  company: "Größe & Söhne",
  annualrevenue: "1234.50",
};
