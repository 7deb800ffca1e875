// The failure of reading an API, by a hook of its manifest as well as by the API itself.

import { Explained } from "../config/explained.js";

/** Reading an API failed; the sync stops and reports the message. */
export class ReadFailed extends Explained {
  constructor(
    message: string,
    /** The SQLSTATE of upstream's refusal or of the failure to reach upstream. */
    readonly sqlstate?: string,
  ) {
    super(message);
  }
}
