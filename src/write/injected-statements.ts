// The statements we inject into a client's session. All names are qualified: the client's search_path is not ours.

import type { Portions } from "../../protocol/portions.js";
import type { Slices } from "../config/slices.js";
import type { SqlError } from "../postgres/error-catalogue.js";
import type { SessionSigner } from "../postgres/mac.js";
import type { InjectedStep } from "./injected-step.js";
import type { Plan } from "./plan.js";

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
  signer: SessionSigner,
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
      text: `select transaction, seat from throughline.plan($1::pg_catalog.uuid, $2::pg_catalog.int4, $3::pg_catalog.uuid,
        $4::pg_catalog.bytea)`,
      values: [call, limit, proxy, signer.mac(`plan|${call}|${limit}`)],
    },
    run,
    {
      kind: "sql",
      text: `select relation, verb, old_row, new_row, local_writes, sealed from throughline.planned($1::pg_catalog.uuid,
        $2::pg_catalog.uuid, $3::pg_catalog.bytea)`,
      values: [call, proxy, signer.mac(`planned|${call}`)],
    },
  ]);
}

export function lockStep(
  signer: SessionSigner,
  mirror: number,
  keys: readonly string[],
  forDelete: boolean,
): InjectedStep {
  const list = JSON.stringify(keys);
  const strength = forDelete ? "true" : "false";
  return {
    kind: "sql",
    text: `select key, current_row, sealed, marks from throughline.lock($1::pg_catalog.int4, $2::pg_catalog.text, $3::pg_catalog.bool,
      $4::pg_catalog.uuid, $5::pg_catalog.bytea)`,
    values: [String(mirror), list, strength, signer.proxy, signer.mac(`lock|${mirror}|${strength}|${list}`)],
  };
}

interface Application {
  readonly mirror: number;
  readonly staged: Portions;
  /** The plan that it follows. */
  readonly plan: Pick<Plan, "transaction" | "seat" | "sealed">;
  /** The upstream calls behind it. */
  readonly calls: readonly string[];
}

/** Applies: what is staged replaces what the client's own statement writes. */
export function* applySteps(
  signer: SessionSigner,
  { mirror, staged, plan: { transaction, seat, sealed }, ...made }: Application,
): Slices<InjectedStep[]> {
  const { proxy } = signer;
  const call = crypto.randomUUID();
  const calls = JSON.stringify(made.calls);
  const rows = sealed ? yield* signer.sealing(staged) : staged;
  return [
    {
      kind: "sql",
      text: `select throughline.stage($1::pg_catalog.uuid, $2::pg_catalog.text, $3::pg_catalog.bool, $4::pg_catalog.uuid,
        $5::pg_catalog.bytea)`,
      values: [
        call,
        rows,
        String(sealed),
        proxy,
        yield* signer.signing(`stage|${call}|${transaction}|${seat}|${sealed}|`, rows),
      ],
    },
    { kind: "execute" },
    {
      kind: "sql",
      text: `select throughline.close($1::pg_catalog.uuid, $2::pg_catalog.int4, $3::pg_catalog.text, $4::pg_catalog.uuid,
        $5::pg_catalog.bytea)`,
      values: [call, String(mirror), calls, proxy, signer.mac(`close|${call}|${mirror}|${calls}`)],
    },
  ];
}

/** Sets the time-out of the client's statements, for as long as the transaction lasts. */
export function timeoutStep(timeoutMs: number): InjectedStep {
  const text = "select pg_catalog.set_config('statement_timeout', $1, true)";
  return { kind: "sql", text, values: [String(timeoutMs)] };
}

/** Raised by Postgres itself, so that the failed transaction is its own. */
export function refuseStep(signer: SessionSigner, error: SqlError): InjectedStep {
  const { sqlstate, message, detail, hint, schema, table, column, constraint } = error;
  const words = [sqlstate, message, detail, hint, schema, table, column, constraint];
  const said = words.filter((word) => word !== undefined).join("|");
  return {
    kind: "sql",
    text: "select throughline.refuse($1, $2, $3, $4, $5, $6, $7, $8, $9::pg_catalog.uuid, $10::pg_catalog.bytea)",
    values: [...words.map((word) => word ?? null), signer.proxy, signer.mac(`refuse|${said}`)],
  };
}
