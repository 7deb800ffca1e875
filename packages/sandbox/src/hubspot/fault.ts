// What can go wrong on purpose: each fault strikes the next requests that it fits, once unless told otherwise.

import { type Aim, parseNamed, FaultQueue as Queue } from "../fault-queue.js";
import { assertNever } from "../never.js";
import { fieldOf, isFields } from "./fields.js";
import { type ApiRequest, batchInputs, isBatch, jsonBody } from "./request.js";

export type Fault = Aim &
  (
    | { readonly kind: "rate-limit"; readonly retryAfterS?: number }
    | { readonly kind: "daily-limit" }
    | { readonly kind: "unauthorized" }
    | { readonly kind: "forbidden" }
    | { readonly kind: "unavailable" }
    | { readonly kind: "error-after-apply" }
    | { readonly kind: "hang-up-before" }
    | { readonly kind: "hang-up-after" }
    | { readonly kind: "hang-before" }
    | { readonly kind: "hang" }
    | { readonly kind: "slow"; readonly ms: number }
    | { readonly kind: "empty-ok" }
    | { readonly kind: "bad-json" }
    | { readonly kind: "drop-row" }
    /** Without a property: the first one that the request writes. */
    | { readonly kind: "ignore-field"; readonly property?: string }
  );

/** As they are when only named. */
const named: { readonly [Kind in Fault["kind"]]: Fault & { readonly kind: Kind } } = {
  "rate-limit": { kind: "rate-limit" },
  "daily-limit": { kind: "daily-limit" },
  unauthorized: { kind: "unauthorized" },
  forbidden: { kind: "forbidden" },
  unavailable: { kind: "unavailable" },
  "error-after-apply": { kind: "error-after-apply" },
  "hang-up-before": { kind: "hang-up-before" },
  "hang-up-after": { kind: "hang-up-after" },
  "hang-before": { kind: "hang-before" },
  hang: { kind: "hang" },
  slow: { kind: "slow", ms: 2000 },
  "empty-ok": { kind: "empty-ok" },
  "bad-json": { kind: "bad-json" },
  "drop-row": { kind: "drop-row" },
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

/** The properties that a request writes, of all its rows. */
export function writtenProperties(request: ApiRequest): readonly string[] {
  return [jsonBody(request), ...batchInputs(request)].flatMap((row) => {
    const properties = fieldOf(row, "properties");
    return isFields(properties) ? Object.keys(properties) : [];
  });
}

/** Some faults need rows or properties to strike at. */
function canStrike(fault: Fault, request: ApiRequest): boolean {
  switch (fault.kind) {
    case "empty-ok":
      return isBatch(request);
    case "drop-row":
      return isBatch(request) && answersBody(request);
    case "bad-json":
      return answersBody(request);
    case "ignore-field": {
      const written = writtenProperties(request);
      return fault.property === undefined ? written.length > 0 : written.includes(fault.property);
    }
    case "rate-limit":
    case "daily-limit":
    case "unauthorized":
    case "forbidden":
    case "unavailable":
    case "error-after-apply":
    case "hang-up-before":
    case "hang-up-after":
    case "hang-before":
    case "hang":
    case "slow":
      return true;
    default:
      return assertNever(fault);
  }
}

function answersBody(request: ApiRequest): boolean {
  return request.method !== "DELETE" && !/\/batch\/(labels\/)?archive$/.test(request.path);
}
