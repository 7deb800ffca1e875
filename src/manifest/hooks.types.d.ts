// What a hooks file may export: the types that the package gives to those who write one.

type Json = Readonly<Record<string, unknown>>;

/** What a hook says of an error, in the words of a rule of the manifest. */
export interface HookVerdict {
  /** A condition by Postgres's name, such as unique_violation. */
  readonly raise?: string | undefined;
  readonly outcome?: "refused" | "absent" | "ask" | "unknown" | undefined;
  readonly retry?: "safe" | "never" | "always" | undefined;
  /** What the error means as the answer to a read. */
  readonly read?: "empty" | "restart" | "end" | undefined;
  readonly hint?: string | undefined;
  readonly constraint?: string | undefined;
  readonly skip?: boolean | undefined;
}

/** They see JSON as the API has it; a number that JavaScript can't hold is an object whose String() is its digits. */
export interface Hooks {
  /** `{record}`: the columns of one row by upstream's names, as they would be sent. */
  readonly encodeRecord?: ((record: Json, of: { readonly table: string; readonly verb: string }) => Json) | undefined;
  /** One record of an answer, before its key and its fields are looked for. */
  readonly decodeRecord?: ((record: unknown, of: { readonly table: string }) => unknown) | undefined;
  /** A single error of an answer, before the manifest's rules; undefined: they decide. */
  readonly classifyError?:
    | ((error: unknown, of: { readonly status: number; readonly body: unknown }) => HookVerdict | undefined)
    | undefined;
  /** Where the next page of a list begins, sent as its `pages` say; null: nowhere; undefined: where its `pages` say. */
  readonly nextPage?:
    | ((body: unknown, of: { readonly table: string; readonly cursor: string | null }) => string | null | undefined)
    | undefined;
}
