// What migrating says when it can't go on.

import { Explained } from "../config/explained.js";

/** Migrating needs something that only an administrator can give, or that the user has to decide. */
export class MigrateError extends Explained {}
