// The connections that are opening: accepted, and not yet let in by Postgres. They cost nobody a place, so their number and time have a limit.

import type { Socket } from "node:net";
import type { SqlError } from "../postgres/error-catalogue.js";
import { writeFatal } from "../write/sql-error.js";
import { addressGroup } from "./address-group.js";
import { authenticationTooSlow, tooManyFromAddress, tooManyOpening } from "./proxy-errors.js";

/** From accept to AuthenticationOk, in milliseconds: the default of Postgres's authentication_timeout. */
const openingTimeoutMs = 60_000;
/** How long a connection may be quiet before it counts as idle, in milliseconds, by whose turn it is. */
const patienceMs = { client: 1_000, postgres: 10_000 } as const;
/** How long a client may take to read why it is turned away, in milliseconds. */
const lastWordsMs = 1_000;
/** Those that are not idle are only ended when as many times the limit are opening. */
const farTooMany = 4;

type Turn = keyof typeof patienceMs;

/** One connection that is opening. */
export interface Opening {
  readonly socket: Socket;
  readonly address: string;
  /** Its connection to Postgres, if it has one. */
  postgres: Socket | undefined;
  /** What it has asked for; `over`: it is no longer opening. */
  at: "startup" | "session" | "cancel" | "over";
  /** Who has to say something next, and when the other one last did. */
  turn: Turn;
  heardAtMs: number;
  readonly timer: NodeJS.Timeout;
}

/** Those of one address, by whose turn it is; the one that has been quiet for longest comes first. */
type OfAddress = Readonly<Record<Turn, Set<Opening>>>;

/**
 * When more than `limit` are opening, or more than half of that from one address, one is ended, of the address that has most: the one
 * that keeps Postgres waiting for longest, or else the one that Postgres keeps waiting. Whoever does nothing keeps nobody out.
 */
export class OpeningSockets {
  private readonly byAddress = new Map<string, OfAddress>();
  private total = 0;
  private trimming: NodeJS.Timeout | undefined;
  private readonly perAddress: number;

  constructor(private readonly limit: number) {
    this.perAddress = Math.ceil(limit / 2);
  }

  get count(): number {
    return this.total;
  }

  /** The most that are opening at any moment. */
  get most(): number {
    return farTooMany * this.limit;
  }

  /** Notes a connection until `leave`. May end another one, or this one. */
  enter(socket: Socket): Opening {
    const opening: Opening = {
      socket,
      address: addressGroup(socket.remoteAddress),
      postgres: undefined,
      at: "startup",
      turn: "client",
      heardAtMs: performance.now(),
      timer: setTimeout(() => this.turnAway(opening, authenticationTooSlow()), openingTimeoutMs),
    };
    const ofAddress = this.byAddress.get(opening.address) ?? { client: new Set(), postgres: new Set() };
    ofAddress.client.add(opening);
    this.byAddress.set(opening.address, ofAddress);
    this.total += 1;
    this.trim();
    return opening;
  }

  /** The client, or Postgres, has said something: it is the other's turn. */
  hear(opening: Opening, speaker: Turn): void {
    const ofAddress = this.byAddress.get(opening.address);
    if (!ofAddress?.[opening.turn].delete(opening)) return;
    opening.turn = speaker === "client" ? "postgres" : "client";
    opening.heardAtMs = performance.now();
    ofAddress[opening.turn].add(opening);
  }

  /** It has been let in, or is gone. */
  leave(opening: Opening): void {
    clearTimeout(opening.timer);
    opening.at = "over";
    const ofAddress = this.byAddress.get(opening.address);
    if (!ofAddress?.[opening.turn].delete(opening)) return;
    this.total -= 1;
    if (sizeOf(ofAddress) === 0) this.byAddress.delete(opening.address);
  }

  /** Ends it with these words, which only a client that wants a session reads. */
  turnAway(opening: Opening, error: SqlError): void {
    const { socket, postgres, at } = opening;
    this.leave(opening);
    const cut = () => {
      postgres?.destroy();
      socket.destroy();
    };
    if (at === "cancel") cut();
    else {
      // The words are short enough for the kernel; whoever reads nothing is cut off all the same.
      const patience = setTimeout(cut, lastWordsMs);
      socket.once("close", () => clearTimeout(patience));
      socket.end(writeFatal(error), cut);
    }
  }

  /** Ends one, of the address that has most, that keeps nobody waiting if there is such. */
  endOne(error: SqlError): void {
    const [first] = this.largest()?.candidates ?? [];
    if (first) this.turnAway(first, error);
  }

  /** Ends all that have not asked for anything yet, without a word, as Postgres does when it stops. */
  endSilent(): void {
    clearTimeout(this.trimming);
    for (const { client } of this.byAddress.values()) {
      for (const { at, socket } of client) if (at === "startup") socket.destroy();
    }
  }

  /** Ends whoever is too many. Of those that are not idle it waits to see what becomes of them. */
  private trim(): void {
    for (;;) {
      const { size, candidates } = this.largest() ?? { size: 0, candidates: [] };
      const isAddressFull = size > this.perAddress;
      if (this.total <= this.limit && !isAddressFull) return;
      const waitMs = Math.min(...candidates.map(idleInMs));
      const ended =
        candidates.find((one) => idleInMs(one) <= 0) ?? (this.total > this.most ? candidates[0] : undefined);
      if (!ended) {
        this.trimIn(waitMs);
        return;
      }
      this.turnAway(ended, isAddressFull ? tooManyFromAddress(this.perAddress) : tooManyOpening(this.limit));
    }
  }

  private trimIn(ms: number): void {
    this.trimming ??= setTimeout(() => {
      this.trimming = undefined;
      this.trim();
    }, ms + 1).unref();
  }

  /** How many the address with most has, and those of it that could be ended, in that order. Undefined: none is opening. */
  private largest(): { readonly size: number; readonly candidates: readonly Opening[] } | undefined {
    let largest: OfAddress | undefined;
    let size = 0;
    for (const ofAddress of this.byAddress.values()) {
      if (sizeOf(ofAddress) <= size) continue;
      size = sizeOf(ofAddress);
      largest = ofAddress;
    }
    return largest && { size, candidates: [...firstOf(largest.client), ...firstOf(largest.postgres)] };
  }
}

function sizeOf({ client, postgres }: OfAddress): number {
  return client.size + postgres.size;
}

function firstOf(openings: ReadonlySet<Opening>): readonly Opening[] {
  for (const opening of openings) return [opening];
  return [];
}

/** In how many milliseconds it counts as idle, unless something is heard of it; not more than 0: it does. */
function idleInMs({ turn, heardAtMs }: Opening): number {
  return heardAtMs + patienceMs[turn] - performance.now();
}
