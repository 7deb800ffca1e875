// The failure of reading an API, by a hook of its manifest as well as by the API itself.

import { cleanText, textLimits } from "../config/clean-text.js";
import { Explained } from "../config/explained.js";

/** Upstream's words, and as much again for what we say around them. */
const longest = 2 * textLimits.sentence;

/** Reading an API failed; the sync stops and reports the message, which is clean whatever it was made of. */
export class ReadFailed extends Explained {
  constructor(
    message: string,
    /** The SQLSTATE of upstream's refusal or of the failure to reach upstream. */
    readonly sqlstate?: string,
  ) {
    super(cleanText(message, longest));
  }
}
