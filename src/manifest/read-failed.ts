// The failure of reading an API, by a hook of its manifest as well as by the API itself.

import { Explained } from "../config/explained.js";

/** Reading an API failed: the sync stops there, and says why. */
export class ReadFailed extends Explained {
  constructor(
    message: string,
    /** Of upstream's refusal, or of not having reached it. */
    readonly sqlstate?: string,
  ) {
    super(message);
  }
}
