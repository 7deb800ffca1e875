// A query one of whose values is long: the driver would copy it twice, in one turn of the loop.

import { type Connection, type Pool, type PoolClient, Query, type QueryResult } from "pg";
import { type BoundText, writeBind } from "../../protocol/encode.js";
import { Portions } from "../../protocol/portions.js";

/** Runs a query whose values may be Portions, each a text for Postgres. Any other value becomes what the driver makes of it. */
export function queryLong(on: Pool | PoolClient, text: string, values: readonly unknown[]): Promise<QueryResult> {
  return new Promise((resolve, reject) => {
    on.query(new LongQuery(text, values), (cause, result) => (cause ? reject(cause) : resolve(result)));
  });
}

/** It is as the driver's own, but for its Bind. */
class LongQuery extends Query {
  declare readonly text: string;

  constructor(text: string, values: readonly unknown[]) {
    super({ text, values: [...values] });
    const { submit } = this;
    this.submit = (connection) => submit.call(this, Object.create(connection, { bind: { value: bindInPieces } }));
  }
}

/** What the driver says of a Bind. */
interface Binding {
  readonly portal: string;
  readonly statement: string | undefined;
  readonly values: readonly unknown[];
  /** What the driver makes of a value of JavaScript's. */
  valueMapper(value: unknown): string | null;
}

function bindInPieces(this: Connection, { portal, statement = "", values, valueMapper }: Binding): void {
  const texts = values.map((value): BoundText => (value instanceof Portions ? value : valueMapper(value)));
  for (const piece of writeBind(portal, statement, texts)) this.stream.write(piece);
}
