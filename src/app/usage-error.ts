// The caller asked for something that is not there, or asked for it in a way that has no meaning.

/** The command line, or an argument of the embedding API, is wrong. Its message is one sentence. */
export class UsageError extends Error {}
