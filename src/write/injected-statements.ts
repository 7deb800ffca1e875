// The statements we inject into a client's session. All names are qualified: the client's search_path is not ours.

import type { Portions } from "../../protocol/portions.js";
import type { Slices } from "../config/slices.js";
import type { SqlError } from "../postgres/error-catalogue.js";
import type { Signer } from "../postgres/mac.js";
import type { InjectedStep } from "./injected-step.js";

const plain = (text: string): InjectedStep => ({ kind: "sql", text, values: [] });

/** Which transaction this is; null while it has written nothing. */
export const transactionStep = plain("select pg_catalog.pg_current_xact_id_if_assigned()");

/** Whether a rollback has undone here what one of these calls has changed. */
export function undoneStep(calls: readonly string[]): InjectedStep {
  return { kind: "sql", text: "select throughline.undone($1)", values: [JSON.stringify(calls)] };
}

/** In a savepoint of their own: statement triggers fire, and have not fired. */
export function undone(steps: readonly InjectedStep[]): InjectedStep[] {
  return [
    plain("savepoint _throughline"),
    ...steps,
    plain("rollback to savepoint _throughline"),
    plain("release savepoint _throughline"),
  ];
}

/** Plans: the client's statement runs for real and is undone; what it would have changed comes back. */
export function planSteps(
  signer: Signer,
  processId: number,
  call: string,
  rowLimit: number,
  constraints: string | null,
  run: InjectedStep = { kind: "dryRun" },
): InjectedStep[] {
  const { proxy } = signer;
  const limit = String(rowLimit);
  return undone([
    // What is deferred must fail now.
    ...(constraints === null ? [] : [plain(`set constraints ${constraints} immediate`)]),
    {
      kind: "sql",
      text: "select throughline.plan($1::pg_catalog.uuid, $2::pg_catalog.int4, $3::pg_catalog.uuid, $4::pg_catalog.bytea)",
      values: [call, limit, proxy, signer.mac(`plan|${call}|${limit}`, processId)],
    },
    run,
    {
      kind: "sql",
      text: "select relation, verb, old_row, new_row, local_writes from throughline.planned($1::pg_catalog.uuid, $2::pg_catalog.uuid, $3::pg_catalog.bytea)",
      values: [call, proxy, signer.mac(`planned|${call}`, processId)],
    },
  ]);
}

export function lockStep(
  signer: Signer,
  processId: number,
  mirror: number,
  keys: readonly string[],
  forDelete: boolean,
): InjectedStep {
  const list = JSON.stringify(keys);
  const strength = forDelete ? "true" : "false";
  return {
    kind: "sql",
    text: `select key, current_row from throughline.lock($1::pg_catalog.int4, $2::pg_catalog.text, $3::pg_catalog.bool,
      $4::pg_catalog.uuid, $5::pg_catalog.bytea)`,
    values: [String(mirror), list, strength, signer.proxy, signer.mac(`lock|${mirror}|${strength}|${list}`, processId)],
  };
}

/** Applies: what is staged replaces what the client's own statement writes. `calls`: the upstream calls behind it. */
export function* applySteps(
  signer: Signer,
  processId: number,
  apply: { readonly mirror: number; readonly staged: Portions; readonly calls: readonly string[] },
): Slices<InjectedStep[]> {
  const { proxy } = signer;
  const { mirror, staged } = apply;
  const call = crypto.randomUUID();
  const calls = JSON.stringify(apply.calls);
  return [
    {
      kind: "sql",
      text: "select throughline.stage($1::pg_catalog.uuid, $2::pg_catalog.text, $3::pg_catalog.uuid, $4::pg_catalog.bytea)",
      values: [call, staged, proxy, yield* signer.signing(`stage|${call}|`, staged, processId)],
    },
    { kind: "execute" },
    {
      kind: "sql",
      text: `select throughline.close($1::pg_catalog.uuid, $2::pg_catalog.int4, $3::pg_catalog.text, $4::pg_catalog.uuid,
        $5::pg_catalog.bytea)`,
      values: [call, String(mirror), calls, proxy, signer.mac(`close|${call}|${mirror}|${calls}`, processId)],
    },
  ];
}

/** Raised by Postgres itself, so that the failed transaction is its own. */
export function refuseStep(error: SqlError): InjectedStep {
  return {
    kind: "sql",
    text: "select throughline.refuse($1, $2, $3, $4, $5, $6, $7, $8)",
    values: [
      error.sqlstate,
      error.message,
      error.detail ?? null,
      error.hint ?? null,
      error.schema ?? null,
      error.table ?? null,
      error.column ?? null,
      error.constraint ?? null,
    ],
  };
}
