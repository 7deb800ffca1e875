// What a session asks for while its client is held; none of it is on the byte path.

import type { Hold, Lookout } from "./frontend.js";
import type { Settlement } from "./open-calls.js";
import type { Session } from "./session.js";

export interface Interceptor extends Lookout, Settlement {
  /** Handles a held message. True: it has been dealt with. False: it goes to Postgres after all. */
  handle(session: Session, hold: Hold): Promise<boolean>;
  /** How many held statements and settlings are on their way. */
  readonly underWay: number;
  /** Resolves when no held statement and no settling is on its way. */
  idle(): Promise<void>;
}
