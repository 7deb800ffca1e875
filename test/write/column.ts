// A mirror column of a test: text, and nothing special but what is said.

import type { MirrorColumn } from "../../src/mirror/column.js";

export const column = (name: string, facts: Partial<MirrorColumn> = {}): MirrorColumn => ({
  name,
  type: "text",
  codec: "plain",
  write: "always",
  upstream: name,
  unique: false,
  required: false,
  max: null,
  options: null,
  from: null,
  label: null,
  merge: false,
  references: null,
  ...facts,
});
