// The failure of reading an API, by a hook of its manifest as well as by the API itself.

import { cleanText, textLimits } from "../config/clean-text.js";
import { Explained } from "../config/explained.js";

/** Upstream's words, and as much again for what we say around them. */
const longest = 2 * textLimits.sentence;

/** Reading an API failed; the sync stops and reports the message, which is clean whatever it was made of. */
export class ReadFailed extends Explained {
  constructor(
    message: string,
    /** The SQLSTATE of upstream's refusal, of an answer that can't be read, or of the failure to reach upstream; undefined: no answer came. */
    readonly sqlstate?: string,
  ) {
    super(cleanText(message, longest));
  }

  /** It says something of what was asked for: not that upstream can't be reached, has no time for us or doesn't know us. */
  get isOfRequest(): boolean {
    return this.sqlstate !== undefined && !["HV00N", "53400", "28000"].includes(this.sqlstate);
  }
}
