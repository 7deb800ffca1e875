// What is known of a table that was probed: how it fits its API, in the words of the manifest.

import type { Comparison } from "./probe-comparison.js";

/** `missing`: without the columns that are required. */
export interface ProbeResult extends Comparison {
  readonly table: string;
  readonly records: number;
  /** The number of records whose key another record has as well. */
  readonly repeated: number;
  /** A sentence for each type of the API that the manifest does not know. */
  readonly unknownTypes: readonly string[];
  /** The manifest's other lists: how many records each gave, or why it failed. */
  readonly lists: readonly { readonly name: string; readonly records: number; readonly failed: string | null }[];
  /** The paths of `if` in the manifest's rules that prove nothing, so that no record would ever be gone. */
  readonly proofless: readonly string[];
  /** True when the first record's key leads to it again; null when there is no record. */
  readonly foundAgain: boolean | null;
  /** What else of the manifest does not do what it is there for: sentences. */
  readonly mistakes: readonly string[];
  /** What could not be tried, and why: sentences. */
  readonly untried: readonly string[];
  /** The reason why reading stopped; null when it did not. */
  readonly failed: string | null;
}

/** What is known of a table before it is read. */
export const nothingRead: ProbeResult = {
  table: "",
  records: 0,
  repeated: 0,
  missing: [],
  partial: [],
  unknownTypes: [],
  undecoded: [],
  unmirrored: [],
  lists: [],
  proofless: [],
  foundAgain: null,
  mistakes: [],
  untried: [],
  failed: null,
};
