// The hooks of a manifest: functions in a file beside it, each of which replaces one step of the engine.

import { z } from "zod";
import { isRecord } from "../config/json.js";
import { suggestion } from "../config/suggest.js";
import { ConfigError } from "../config/yaml.js";
import { type ErrorRule, hookRule } from "./error-schema.js";
import type { Hooks } from "./hooks.types.js";
import { ReadFailed } from "./read-failed.js";

type Json = Readonly<Record<string, unknown>>;

/** The hooks, with their return values checked. */
export type CheckedHooks = Omit<Hooks, "classifyError"> & {
  readonly classifyError: (...args: Parameters<NonNullable<Hooks["classifyError"]>>) => ErrorRule | undefined;
};

const hook = <Name extends keyof Hooks>() =>
  z.custom<NonNullable<Hooks[Name]>>((value) => typeof value === "function", "is no function").optional();

const hooks = z.strictObject({
  encodeRecord: hook<"encodeRecord">(),
  decodeRecord: hook<"decodeRecord">(),
  classifyError: hook<"classifyError">(),
  nextPage: hook<"nextPage">(),
});

/** A hook threw, or returned a wrong value. Its own message may hold a record's values, so ours leaves it out. */
class HookError extends ReadFailed {}

/** Returns the hooks among a file's exports. Throws ConfigError for an unknown export or one that is no function. */
export function checkedHooks(file: string, moduleExports: object): CheckedHooks {
  const exportCheck = hooks.safeParse({ ...moduleExports });
  const hookNames = Object.keys(hooks.shape);
  if (!exportCheck.success)
    throw new ConfigError(
      exportCheck.error.issues.flatMap((issue) =>
        issue.code === "unrecognized_keys"
          ? issue.keys.map((name) => `${file}: unknown export "${name}"; ${suggestion(name, hookNames)}`)
          : [`${file}: "${issue.path.join(".")}" ${issue.message}`],
      ),
    );
  const { encodeRecord, decodeRecord, classifyError, nextPage } = exportCheck.data;
  const checkResult = <Result>(name: string, schema: z.ZodType<Result>, run: () => unknown): Result => {
    const resultCheck = schema.safeParse(attempt(file, name, run));
    if (resultCheck.success) return resultCheck.data;
    const [issue] = resultCheck.error.issues;
    throw new HookError(
      `${file}: ${name} gave back what it can't: ${[...(issue?.path ?? []), issue?.message].join(": ")}`,
    );
  };
  return {
    encodeRecord:
      encodeRecord && ((record, of) => checkResult("encodeRecord", sentRecord, () => encodeRecord(record, of))),
    decodeRecord: decodeRecord && ((record, of) => attempt(file, "decodeRecord", () => decodeRecord(record, of))),
    classifyError: (error, of) => checkResult("classifyError", hookRule.optional(), () => classifyError?.(error, of)),
    nextPage: nextPage && ((body, of) => checkResult("nextPage", z.string().nullish(), () => nextPage(body, of))),
  };
}

/** Shows the hooks what each API answers one day: a gateway's page in place of JSON. Throws ConfigError when they fail by it. */
export function tryOnPage({ classifyError }: CheckedHooks): void {
  try {
    classifyError(undefined, { status: 502, body: undefined });
  } catch (cause) {
    if (!(cause instanceof HookError)) throw cause;
    throw new ConfigError([`${cause.message} for an answer without JSON, such as a gateway's page`]);
  }
}

const sentRecord = z.custom<Json>(isRecord, "is no object");

function attempt(file: string, name: string, run: () => unknown): unknown {
  try {
    return run();
  } catch (cause) {
    throw new HookError(`${file}: ${name} threw ${cause instanceof Error ? cause.name : typeof cause}`);
  }
}
