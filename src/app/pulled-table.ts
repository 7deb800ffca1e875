// How the copy of one table ended.

/** The result of one table's copy; `table` is API.TABLE. */
export type PulledTable =
  | {
      readonly kind: "copied";
      readonly table: string;
      /** How many records the API listed. */
      readonly rows: number;
      /** Rows that the API has deleted, and the mirror as well. */
      readonly deleted: number;
      /** Rows that the API no longer lists, and that were kept because they are more than half of the mirror. `full` checks each one. */
      readonly withheld: number;
      /** Rows that are still missing: a running proxy or the next pull writes them, but for what Postgres refuses. */
      readonly parked: readonly {
        /** Null: they wait for an open write or a lock, or are read again. Otherwise the SQLSTATE with which Postgres refuses them. */
        readonly sqlstate: string | null;
        readonly count: number;
      }[];
      /** Rows that Postgres refuses, at most three: the key of each, the columns it says so of, and what it says. */
      readonly closed: readonly {
        readonly key: string;
        readonly sqlstate: string;
        readonly columns: string | null;
        readonly reason: string;
      }[];
      /** Unique columns that have lost their index, each with the keys of two records that have one value. */
      readonly missingIndexes: readonly { readonly column: string; readonly keys: readonly string[] }[];
      /** The cells that are not known to have upstream's value, by column. */
      readonly inexact: readonly {
        readonly column: string;
        /** `unfit`: the column can't hold what the API has. `missing`: the API's last answer left it out. */
        readonly why: "unfit" | "missing";
        readonly rows: number;
        /** The key of one of these rows. */
        readonly key: string;
      }[];
    }
  /** `reason` is a sentence with what to do. */
  | { readonly kind: "failed"; readonly table: string; readonly reason: string }
  /** The copy was stopped before the last page, and the next pull goes on there. */
  | { readonly kind: "interrupted"; readonly table: string };
