// The caller asked for something that does not exist, or in a way that has no meaning.

import { Explained } from "../config/explained.js";

/** The command line, or an argument of a call, is wrong. Its message is one sentence. */
export class UsageError extends Explained {}
