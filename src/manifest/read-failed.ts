// The failure of reading an API, by a hook of its manifest as well as by the API itself.

import { cleanText, textLimits } from "../config/clean-text.js";
import { Explained } from "../config/explained.js";

/** Upstream's words, and as much again for what we say around them. */
const longest = 2 * textLimits.sentence;

/** What a rule of the manifest can make of a refused read: no records, the list from its beginning, or the end of the list. */
export const readMeanings = ["empty", "restart", "end"] as const;
export type ReadMeaning = (typeof readMeanings)[number];

/** The answer by which reading failed: its status, and what a rule of the manifest makes of it. */
export interface FailedAnswer {
  readonly status: number | null;
  readonly meaning: ReadMeaning | null;
}

/** The statuses that say something of the account or of the moment, and nothing of what was asked for. */
const statusesOfOthers: readonly number[] = [401, 407, 408, 425, 429];

/** Reading an API failed; the sync stops and reports the message, which is clean whatever it was made of. */
export class ReadFailed extends Explained {
  constructor(
    message: string,
    /** The SQLSTATE of upstream's refusal, of an answer that can't be read, or of the failure to reach upstream; undefined: no answer came. */
    readonly sqlstate?: string,
    readonly answer?: FailedAnswer,
  ) {
    super(cleanText(message, longest));
  }

  /** It says something of what was asked for: not that upstream can't be reached, has no time for us or doesn't know us. */
  get isOfRequest(): boolean {
    return this.sqlstate !== undefined && !["HV00N", "53400", "28000"].includes(this.sqlstate);
  }

  /** Upstream answered that it has no such page: not that it is out of order, has no time for us or doesn't know us. */
  get isOfPlace(): boolean {
    const status = this.answer?.status ?? 0;
    return status >= 200 && status < 500 && !statusesOfOthers.includes(status);
  }

  /** A rule of the manifest says that a list has to be read from its beginning. */
  get asksForRestart(): boolean {
    return this.answer?.meaning === "restart";
  }
}
