// Tells a record that is gone from one that the account may no longer see. Most APIs answer both with 404: a token that has lost a
// repository, a project or a base would empty its mirror. An error that calls a record gone therefore counts only while another request,
// with the same credentials, shows that the account still has its right: the `if` of the manifest's rule, or else the first page of the
// table's own list. It is sent only after such an error, so that the right was there later than the record was missed, and one request
// proves all records of a call.

import { assertNever } from "../config/assert-never.js";
import { cleanText, textLimits } from "../config/clean-text.js";
import type { Call, ProofCall } from "../manifest/call-schema.js";
import { lookUp } from "../manifest/pointer.js";
import { ReadFailed } from "../manifest/read-failed.js";
import { isBody } from "./errors.js";
import type { ExchangeResult } from "./exchange.js";
import type { UpstreamError } from "./write-outcome.js";

/** `forbidden`: the account is refused what it would need its right for. `open`: nothing is proven, such as by a time-out. */
type Finding = "gone" | "forbidden" | "open";

/** The statuses that an account gets which has no right. */
const forbiddingStatuses: readonly (number | null)[] = [401, 403, 404];

const hints = {
  forbidden: "The account may have lost its right to this table. The mirror keeps the row.",
  open: "The API calls the record gone, and no other request proves that the account may still see it. The mirror keeps the row.",
};

/** The proofs for one call of ours. */
export class AbsenceProofs {
  private readonly findings = new Map<ProofCall | null, Promise<Finding>>();

  /** `send` makes the request of a call once. It may throw ReadFailed. */
  constructor(
    private readonly list: Call,
    private readonly send: (call: Call) => Promise<ExchangeResult>,
  ) {}

  /**
   * Returns undefined when the record of `error` is gone, and otherwise the refusal to tell in its place. `others` are further errors that
   * call it gone, each of which has to be proven as well.
   */
  async refusalUnlessGone(
    error: UpstreamError,
    others: readonly UpstreamError[] = [],
  ): Promise<UpstreamError | undefined> {
    for (const { proof } of [error, ...others]) {
      const finding = await this.find(proof);
      if (finding !== "gone") return refusalOf(error, finding);
    }
    return undefined;
  }

  /** Returns whether the call proves anything now; null is the table's list. */
  async proves(proof: ProofCall | null): Promise<boolean> {
    return (await this.find(proof)) === "gone";
  }

  private find(proof: ProofCall | null): Promise<Finding> {
    const earlier = this.findings.get(proof);
    if (earlier) return earlier;
    const finding = this.ask(proof ?? this.list);
    this.findings.set(proof, finding);
    return finding;
  }

  private async ask(call: Call): Promise<Finding> {
    try {
      return findingOf(await this.send(call), call);
    } catch (cause) {
      if (cause instanceof ReadFailed) return "open";
      throw cause;
    }
  }
}

/** A 2xx proves something only as an answer of the API: a gateway's page does not, nor a list whose records are not there. */
function findingOf(result: ExchangeResult, { rows }: Call): Finding {
  switch (result.kind) {
    case "answered": {
      const isAnswer = isBody(result.body) && (rows === undefined || lookUp(result.body, rows) !== undefined);
      return isAnswer || result.status === 204 ? "gone" : "open";
    }
    case "refused":
      return forbiddingStatuses.includes(result.error.status) ? "forbidden" : "open";
    case "unknown":
      return forbiddingStatuses.includes(result.status) ? "forbidden" : "open";
    case "unsent":
      return "open";
    default:
      return assertNever(result);
  }
}

function refusalOf(error: UpstreamError, finding: Exclude<Finding, "gone">): UpstreamError {
  switch (finding) {
    case "forbidden":
      return { ...error, sqlstate: "42501", hint: cleanText(hints.forbidden, textLimits.sentence) };
    case "open":
      return { ...error, hint: error.hint ?? cleanText(hints.open, textLimits.sentence) };
    default:
      return assertNever(finding);
  }
}
