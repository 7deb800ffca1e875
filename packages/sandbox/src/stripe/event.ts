// An event: a picture of the object as it was just after the change, in the account's own version of the API.

import type { Effect } from "./effect.js";
import { type JsonObject, textOf } from "./json.js";

export const accountVersion = "2026-10-28.endive";

/** The request that made a change; a person in the dashboard makes none. */
export interface Origin {
  readonly requestId: string | null;
  readonly idempotencyKey: string | null;
}

interface Happened {
  readonly id: string;
  readonly kind: Effect["kind"];
  readonly object: JsonObject;
  /** What an update changed, as it was. */
  readonly previous: JsonObject | undefined;
  readonly origin: Origin;
  readonly atS: number;
}

export function eventOf({ id, kind, object, previous, origin, atS }: Happened): JsonObject {
  return {
    id,
    object: "event",
    api_version: accountVersion,
    created: atS,
    data: { object, ...(previous ? { previous_attributes: previous } : {}) },
    livemode: false,
    pending_webhooks: 0,
    request: { id: origin.requestId, idempotency_key: origin.idempotencyKey },
    type: `${textOf(object, "object")}.${kind}`,
  };
}
