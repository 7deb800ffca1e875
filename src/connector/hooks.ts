// What a manifest can't say as data: functions in a file beside it, each in place of one step of the engine. They see JSON as the
// API has it; a number that JavaScript can't hold is an object whose String() is its digits.

import { z } from "zod";
import { isRecord } from "../config/json.js";
import { suggestion } from "../config/nearest.js";
import { ConfigError } from "../config/yaml.js";
import { ReadFailed } from "./ending.js";
import { type ErrorRule, hookRule } from "./error-schema.js";

type Json = Readonly<Record<string, unknown>>;

/** What a hook says of an error, in the words of a rule of the manifest. */
type Verdict = z.input<typeof hookRule>;

/** What a hooks file may export. */
export interface Hooks {
  /** `{record}`: the columns of one row by upstream's names, as they would be sent. */
  readonly encodeRecord?: ((record: Json, of: { readonly table: string; readonly verb: string }) => Json) | undefined;
  /** One record of an answer, before its key and its fields are looked for. */
  readonly decodeRecord?: ((record: unknown, of: { readonly table: string }) => unknown) | undefined;
  /** A single error of an answer, before the manifest's rules; undefined: they decide. */
  readonly classifyError?:
    | ((error: unknown, of: { readonly status: number; readonly body: unknown }) => Verdict | undefined)
    | undefined;
  /** Where the next page of a list begins, sent as its `pages` say; null: nowhere; undefined: where its `pages` say. */
  readonly nextPage?:
    | ((body: unknown, of: { readonly table: string; readonly cursor: string | null }) => string | null | undefined)
    | undefined;
}

/** The same, with what they give back checked. */
export type CheckedHooks = Omit<Hooks, "classifyError"> & {
  readonly classifyError: (...asked: Parameters<NonNullable<Hooks["classifyError"]>>) => ErrorRule | undefined;
};

const hook = <Name extends keyof Hooks>() =>
  z.custom<NonNullable<Hooks[Name]>>((value) => typeof value === "function", "is no function").optional();

const hooks = z.strictObject({
  encodeRecord: hook<"encodeRecord">(),
  decodeRecord: hook<"decodeRecord">(),
  classifyError: hook<"classifyError">(),
  nextPage: hook<"nextPage">(),
});

/** A hook threw, or gave back what means nothing. What it says itself may hold values, and is not told. */
class HookFailed extends ReadFailed {}

/** Of what a hooks file exports. Throws ConfigError. */
export function checkedHooks(file: string, exported: object): CheckedHooks {
  const parsed = hooks.safeParse({ ...exported });
  const known = Object.keys(hooks.shape);
  if (!parsed.success)
    throw new ConfigError(
      parsed.error.issues.flatMap((issue) =>
        issue.code === "unrecognized_keys"
          ? issue.keys.map((name) => `${file}: unknown export "${name}"; ${suggestion(name, known)}`)
          : [`${file}: "${issue.path.join(".")}" ${issue.message}`],
      ),
    );
  const { encodeRecord, decodeRecord, classifyError, nextPage } = parsed.data;
  const told = <Result>(name: string, schema: z.ZodType<Result>, run: () => unknown): Result => {
    const checked = schema.safeParse(attempted(file, name, run));
    if (checked.success) return checked.data;
    const [issue] = checked.error.issues;
    throw new HookFailed(
      `${file}: ${name} gave back what it can't: ${[...(issue?.path ?? []), issue?.message].join(": ")}`,
    );
  };
  return {
    encodeRecord: encodeRecord && ((record, of) => told("encodeRecord", sentRecord, () => encodeRecord(record, of))),
    decodeRecord: decodeRecord && ((record, of) => attempted(file, "decodeRecord", () => decodeRecord(record, of))),
    classifyError: (error, of) => told("classifyError", hookRule.optional(), () => classifyError?.(error, of)),
    nextPage: nextPage && ((body, of) => told("nextPage", z.string().nullish(), () => nextPage(body, of))),
  };
}

const sentRecord = z.custom<Json>(isRecord, "is no object");

function attempted(file: string, name: string, run: () => unknown): unknown {
  try {
    return run();
  } catch (cause) {
    throw new HookFailed(`${file}: ${name} threw ${cause instanceof Error ? cause.name : typeof cause}`);
  }
}
