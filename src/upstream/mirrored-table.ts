// A mirror together with the resource that it mirrors.

import type { Mirror } from "../mirror/column.js";
import type { ConnectorTable } from "./table.js";

export interface MirroredTable {
  readonly mirror: Mirror;
  readonly table: ConnectorTable;
}
