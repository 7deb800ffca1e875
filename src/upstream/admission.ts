// Whether a request may go out now: the rate budget has room for it, and the gate of a write lets it pass.

import { assertNever } from "../config/assert-never.js";
import type { Lane } from "../http/budget.js";
import type { Account } from "./account.js";
import { cancelled, entryClosed, rateLimitUsedUp } from "./own-errors.js";
import { ownError, type UpstreamError } from "./write-outcome.js";

/** Hears of each request of a write before it goes out. */
export interface SendGate {
  /** The rate limit makes the request wait; no part of it has been sent. */
  onWait(): Promise<void>;
  /** The request goes out next. False forbids it. */
  onSend(): Promise<boolean>;
}

/** Who wants to send, and until when it waits for the rate limit, as `performance.now()` tells the time. */
interface Applicant {
  readonly account: Account;
  readonly lane: Lane;
  readonly deadlineMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly gate?: SendGate | undefined;
}

type Admission =
  /** `sendByMs`: a write that was to be made until then may be given up by others behind it, and is not sent any more. */
  | { readonly kind: "granted"; readonly sendByMs: number | undefined }
  | { readonly kind: "denied"; readonly error: UpstreamError };

/** Waits until the budget and the gate let the request go, and returns whether they do. `permittedMs`: until when the gate has let it go already. */
export async function admit(
  { account, lane, deadlineMs, signal, gate: ownGate }: Applicant,
  path: string,
  permittedMs: number | undefined,
): Promise<Admission> {
  const gate = permittedMs === undefined ? ownGate : undefined;
  const denied = (error: UpstreamError): Admission => ({ kind: "denied", error });
  const waitMs = Math.max(0, deadlineMs - performance.now());
  const admission = await account.budget.admit({ path, lane, waitMs, signal, onWait: gate && (() => gate.onWait()) });
  switch (admission.kind) {
    case "cancelled":
      return denied(cancelError);
    case "denied":
      return denied(ownError(rateLimitUsedUp(account.api, account.waitMs, admission.retryAfterMs)));
    case "granted": {
      // From here on others may see that it is sent: after twice the time-out they take it for lost.
      const sendByMs = permittedMs ?? (lane === "write" ? performance.now() + account.timeoutMs : undefined);
      if (gate && !(await gate.onSend())) return denied(gateRefused);
      return signal?.aborted ? denied(cancelError) : { kind: "granted", sendByMs };
    }
    default:
      return assertNever(admission);
  }
}

/** The error of a call that its client no longer waits for. */
export const cancelError = ownError(cancelled());

/** The error of a write whose gate forbade to send it. */
export const gateRefused: UpstreamError = ownError(entryClosed());
