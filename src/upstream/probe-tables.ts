// The tables that only the API tells of: their names, for a probe of some of them.

import { lookUp, textAt } from "../manifest/pointer.js";
import { ReadFailed } from "../manifest/read-failed.js";
import { ReadableTable, syncReads } from "./reading.js";

export class DescribedTables extends ReadableTable {
  /**
   * Returns the names that the API gives to its tables, without those that the manifest has itself; undefined when the manifest has no call
   * that tells them. Throws ReadFailed, also when its pointers lead nowhere.
   */
  async names(): Promise<readonly string[] | undefined> {
    const { discover } = this.manifest;
    if (!discover?.table) return undefined;
    const answer = this.answerOf("its tables", await this.exchange({ call: discover, scope: {}, ...syncReads }, []));
    const list = lookUp(answer.body, discover.rows);
    if (!Array.isArray(list)) throw new ReadFailed(`"discover.rows": no list of tables is at ${discover.rows}`);
    const { name, id, columns } = discover.table;
    const lost = Object.entries({ name, id }).find(([, pointer]) =>
      list.every((one) => textAt(one, pointer) === undefined),
    );
    if (list.length > 0 && lost)
      throw new ReadFailed(`"discover.table.${lost[0]}": no description has a text at ${lost[1]}`);
    if (list.length > 0 && list.every((one) => !Array.isArray(lookUp(one, columns))))
      throw new ReadFailed(`"discover.table.columns": no description has a list at ${columns}`);
    return list
      .flatMap((one) => textAt(one, name) ?? [])
      .filter((one) => !Object.hasOwn(this.account.manifest.tables, one));
  }
}
