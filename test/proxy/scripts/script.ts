// A script: what a client sends after its first ReadyForQuery, and between that, what it waits for.

export interface Script {
  readonly name: string;
  /** Bytes are sent; a letter is a message that is waited for when the script runs step by step. */
  readonly steps: readonly (Buffer | string)[];
  /** The letters that Postgres answers, so that a script does what its name says. */
  readonly answers: string;
  /** Its bytes are too many to be sent one by one, or Postgres ends the session before it has read them. */
  readonly uncut?: boolean;
  /** Postgres ends the session by itself: no Terminate is sent. */
  readonly ended?: boolean;
}

export function script(name: string, answers: string, ...steps: readonly (Buffer | string)[]): Script {
  return { name, answers, steps };
}

/** Postgres ends the session by itself. */
export function ended(made: Script): Script {
  return { ...made, ended: true };
}
