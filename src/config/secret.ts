// A secret of the config. Whatever prints it, logs it or writes it as JSON shows only that there is one.

/** What is shown in place of a secret. */
const mask = "***";

export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** Returns the secret itself, for what is sent to the API and for nothing else. */
  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return mask;
  }

  toJSON(): string {
    return mask;
  }
}

/** The values of an API's part of the config, by their names. */
export type ConfigValues = Readonly<Record<string, string | Secret>>;

/** Returns the values as they are sent. */
export function revealed(values: ConfigValues): Readonly<Record<string, string>> {
  return mapped(values, (value) => (value instanceof Secret ? value.reveal() : value));
}

/** Returns the values as they may be shown. */
export function masked(values: ConfigValues): Readonly<Record<string, string>> {
  return mapped(values, String);
}

function mapped(values: ConfigValues, text: (value: string | Secret) => string): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, text(value)]));
}
