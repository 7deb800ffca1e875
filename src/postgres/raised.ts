// What is said of the errors that we raise ourselves, as docs/errors.md has it. The tables are called reference.ts and lie in the
// folders whose errors they are; a test holds that no code is missing there.

interface Raised {
  readonly means: string;
  /** What had become of the statement's API call: `refused`, the API changed nothing; `journal`, that is where to look. */
  readonly sent: "nothing" | "refused" | "accepted" | "part" | "unknown" | "journal";
  readonly remedy: string;
}

/** By SQLSTATE. */
export type Reference = Readonly<Record<string, readonly Raised[]>>;

/** Postgres's names (appendix A of its manual); the class TL is ours. */
export const conditionNames: Readonly<Record<string, string>> = {
  "00000": "successful_completion",
  "01000": "warning",
  "08006": "connection_failure",
  "08P01": "protocol_violation",
  "0A000": "feature_not_supported",
  "22001": "string_data_right_truncation",
  "22003": "numeric_value_out_of_range",
  "22023": "invalid_parameter_value",
  "22P02": "invalid_text_representation",
  "23502": "not_null_violation",
  "23503": "foreign_key_violation",
  "23505": "unique_violation",
  "23514": "check_violation",
  "25001": "active_sql_transaction",
  "25P01": "no_active_sql_transaction",
  "27000": "triggered_data_change_violation",
  "28000": "invalid_authorization_specification",
  "40001": "serialization_failure",
  "42501": "insufficient_privilege",
  "42703": "undefined_column",
  "428C9": "generated_always",
  "53300": "too_many_connections",
  "53400": "configuration_limit_exceeded",
  "54000": "program_limit_exceeded",
  "55000": "object_not_in_prerequisite_state",
  "55P03": "lock_not_available",
  "57014": "query_canceled",
  "57P01": "admin_shutdown",
  HV000: "fdw_error",
  HV00N: "fdw_unable_to_establish_connection",
  TL001: "partly accepted",
  TL002: "accepted, not applied here",
  TL007: "outcome unknown",
  XX000: "internal_error",
};
