// A failure of the config, an API or the database that one sentence explains, so that its stack is not shown.

/** The base of what Throughline throws on purpose: its message is for people, and says what to do. */
export class Explained extends Error {}

/** The config, a manifest or its hooks have mistakes. The message has one line for each. */
export class ConfigError extends Explained {
  /** One line for each mistake: its place, what is wrong, and the nearest name that is known. */
  readonly mistakes: readonly string[];

  constructor(mistakes: readonly string[]) {
    super(mistakes.join("\n"));
    this.name = "ConfigError";
    this.mistakes = mistakes;
  }
}
