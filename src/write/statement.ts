// A held statement on its way through the write path: what each stage has found of it, for the stages behind.

import type { Pool } from "pg";
import type { Logger } from "pino";
import type { CanonicalRow } from "../journal/journal.js";
import type { Mirror, MirrorColumn } from "../mirror/column.js";
import type { Metrics } from "../observe/metrics.js";
import type { SqlError } from "../postgres/error-catalogue.js";
import type { Signer } from "../postgres/mac.js";
import type { Write } from "../sql/classification.js";
import type { Names } from "../sql/names.js";
import type { MirroredTable } from "../upstream/mirrored-table.js";
import type { ConnectorTable, Verb } from "../upstream/table.js";
import type { InjectedStep } from "./injected-step.js";
import type { Inspection } from "./inspection.js";
import type { LockedRow, Plan, RowToSend } from "./plan.js";
import type { WriteSession } from "./session-port.js";

interface FunctionKnowledge {
  /** Returns whether this version of a function may write to a mirror; undefined when it is not known yet. `version`: the xmin of its row. */
  mayWrite(oid: number, version: string): boolean | undefined;
}

/** What the write path needs of the process it runs in. */
export interface WriteContext {
  /** Our own connections. */
  readonly pool: Pool;
  readonly signer: Signer;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** All mirrors, as they were a moment ago; `afresh`: as they are now. */
  mirrors(afresh?: "afresh"): Promise<readonly MirroredTable[]>;
  /** What is known of the database's functions. */
  readonly functions: FunctionKnowledge;
  /** The names that lead to mirrors. */
  readonly names: Pick<Names, "isMentioned">;
  /** The logins that only take on other roles (`postgres.switches`). */
  switches(): readonly string[];
  /** Whether more statements are held than `listen.writes` allows. */
  overloaded(): boolean;
}

/** The session is held in front of the statement. */
export interface ReceivedStatement {
  readonly session: WriteSession;
  readonly context: WriteContext;
  /** Set when the statement is only explained: called with what would be sent, in place of the call. */
  readonly explain?: ((statement: CheckedStatement) => Promise<void>) | undefined;
}

/** `inspect`: what the statement's names mean in this session. */
export interface InspectedStatement extends ReceivedStatement {
  readonly classification: Write;
  readonly inspection: Inspection;
  /** All mirrors. */
  readonly mirrors: readonly MirroredTable[];
  /** Those that the statement names, or reaches by views. */
  readonly targets: readonly MirroredTable[];
}

/** `admit`: the session may write. */
export interface AdmittedStatement extends InspectedStatement {
  /** What goes out in front of the first flight: BEGIN if the client has no transaction open, and a simple Query's text as a statement. */
  readonly opening: readonly InjectedStep[];
  /** Why the session may not write after all, if the function that the statement calls turns out to write to a mirror. */
  readonly reservation: SqlError | undefined;
}

/** `plan`: what the statement would change. */
export interface PlannedStatement extends AdmittedStatement {
  readonly plan: Plan;
}

/** `lock`: the rows of the plan are locked, and are what they were when it was made. */
export interface LockedStatement extends PlannedStatement {
  /** The rows as they are, by key. */
  readonly lockedRows: ReadonlyMap<string, LockedRow>;
}

/** `check`: nothing speaks against the call. */
export interface CheckedStatement extends LockedStatement {
  readonly mirror: Mirror;
  readonly table: ConnectorTable;
  readonly verb: Verb;
  /** The column by which an upsert tells which rows are new; undefined: it is no upsert. */
  readonly by: MirrorColumn | undefined;
  readonly rows: readonly RowToSend[];
  /** Those of `rows` that upstream has to hear of; of none, no call is made. */
  readonly rowsToSend: readonly RowToSend[];
  /** How many rows one call takes. */
  readonly limit: number;
}

/** `call`: upstream has accepted every row. */
export interface CalledStatement extends CheckedStatement {
  /** What upstream made of each of `rowsToSend`, in their order. */
  readonly canonical: readonly (CanonicalRow | null)[];
  /** The journal entries of the calls. */
  readonly calls: readonly string[];
  /** The accepted rows, such as `crm.contacts 512`; null when no call was made. */
  readonly accepted: string | null;
}

/**
 * How the way of a statement ends. `answered`: the client has its answer. `passOn`: the message is not ours, and goes to Postgres as
 * it came. `skipped`: Postgres ignores it, after an earlier error.
 */
export type WriteResult = "answered" | "passOn" | "skipped";

/** One stage of the write path: what it has found, or how the way ends. */
export type Stage<In, Out extends object> = (statement: In) => Out | WriteResult | Promise<Out | WriteResult>;

/** Stages one behind the other. The first that ends the way is the last that runs. */
export class Stages<In, Out extends object> {
  constructor(readonly run: Stage<In, Out>) {}

  next<Later extends object>(stage: Stage<Out, Later>): Stages<In, Later> {
    return new Stages(async (statement) => {
      const outcome = await this.run(statement);
      return typeof outcome === "string" ? outcome : stage(outcome);
    });
  }

  /** The whole way: behind this stage nothing is left to do. */
  last(stage: (statement: Out) => Promise<WriteResult>): (statement: In) => Promise<WriteResult> {
    return async (statement) => {
      const outcome = await this.run(statement);
      return typeof outcome === "string" ? outcome : stage(outcome);
    };
  }
}
