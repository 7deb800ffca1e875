// What can go wrong on purpose: each fault strikes the next requests that it fits, once unless told otherwise.

import { type Aim, parseNamed, FaultQueue as Queue } from "../fault-queue.js";
import { assertNever } from "../never.js";
import type { ApiRequest } from "./request.js";

export type Fault = Aim &
  (
    | { readonly kind: "rate-limit"; readonly retryAfterS?: number }
    | { readonly kind: "lock-timeout" }
    | { readonly kind: "unauthorized" }
    | { readonly kind: "forbidden" }
    | { readonly kind: "unavailable" }
    /** An idempotency key keeps the error, and the change that was made. */
    | { readonly kind: "error-after-apply" }
    | { readonly kind: "hang-up-before" }
    | { readonly kind: "hang-up-after" }
    | { readonly kind: "hang-before" }
    | { readonly kind: "hang" }
    /** Its idempotency key is in use until it is answered. */
    | { readonly kind: "slow"; readonly ms: number }
    | { readonly kind: "bad-json" }
    /** Without a property: the first parameter of the request. */
    | { readonly kind: "ignore-field"; readonly property?: string }
  );

/** As they are when only named. */
const named: { readonly [Kind in Fault["kind"]]: Fault & { readonly kind: Kind } } = {
  "rate-limit": { kind: "rate-limit" },
  "lock-timeout": { kind: "lock-timeout" },
  unauthorized: { kind: "unauthorized" },
  forbidden: { kind: "forbidden" },
  unavailable: { kind: "unavailable" },
  "error-after-apply": { kind: "error-after-apply" },
  "hang-up-before": { kind: "hang-up-before" },
  "hang-up-after": { kind: "hang-up-after" },
  "hang-before": { kind: "hang-before" },
  hang: { kind: "hang" },
  slow: { kind: "slow", ms: 2000 },
  "bad-json": { kind: "bad-json" },
  "ignore-field": { kind: "ignore-field" },
};

export const faultNames: readonly string[] = Object.keys(named);

/** Reads NAME or NAME:TIMES; throws on anything else, with the names there are. */
export function parseFault(written: string): Fault {
  return parseNamed(named, written);
}

export class FaultQueue extends Queue<Fault, ApiRequest> {
  constructor() {
    super(named, canStrike);
  }
}

/** The parameters that a request writes. */
export function writtenParams(request: ApiRequest): readonly string[] {
  return request.method === "POST" ? [...request.params.keys()] : [];
}

/** A fault of a field needs a field to strike at. */
function canStrike(fault: Fault, request: ApiRequest): boolean {
  switch (fault.kind) {
    case "ignore-field": {
      const written = writtenParams(request);
      return fault.property === undefined ? written.length > 0 : written.includes(fault.property);
    }
    case "rate-limit":
    case "lock-timeout":
    case "unauthorized":
    case "forbidden":
    case "unavailable":
    case "error-after-apply":
    case "hang-up-before":
    case "hang-up-after":
    case "hang-before":
    case "hang":
    case "slow":
    case "bad-json":
      return true;
    default:
      return assertNever(fault);
  }
}
