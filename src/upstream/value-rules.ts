// How an API writes values, and the codecs by which one value travels.

/** How an API writes values: whether all are strings, what clears a field, and how a cleared field reads. */
export interface ValueRules {
  readonly asStrings: boolean;
  readonly clear: "" | null;
  readonly emptyIsNull: boolean;
  /** An INSERT sends its NULLs, too. */
  readonly createClears: boolean;
}

/** Splits a codec such as `join(;)` into its name and its separator. */
export function readCodec(codec: string): { readonly name: string; readonly separator: string } {
  const [, name = codec, separator = ""] = /^(join)\((.+)\)$/.exec(codec) ?? [];
  return { name, separator };
}
