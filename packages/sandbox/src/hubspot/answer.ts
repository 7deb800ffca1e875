// An answer before it is bytes, and HubSpot's one shape for all errors.

import { randomUUID } from "node:crypto";

export interface Answer {
  readonly status: number;
  /** Undefined: no body at all. */
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** The limit that is used up; the rate headers say so. */
  readonly exhausted?: RatePolicy;
}

export type RatePolicy = "TEN_SECONDLY_ROLLING" | "DAILY" | "SECONDLY";

export type Context = Readonly<Record<string, readonly string[]>>;

/** What an error may carry beside its message; HubSpot's own order of keys. */
export interface ErrorExtras {
  readonly errorType?: string;
  readonly policyName?: string;
  readonly errors?: readonly object[];
  readonly context?: Context;
  readonly links?: Readonly<Record<string, string>>;
}

export function errorAnswer(status: number, category: string, message: string, extras: ErrorExtras = {}): Answer {
  return { status, body: { status: "error", message, correlationId: randomUUID(), ...extras, category } };
}

/** The request itself is at fault, not a value in it. */
export function badRequest(message: string): Answer {
  return errorAnswer(400, "VALIDATION_ERROR", message);
}

/** A record can't be named by its value of this property. */
export function notUnique(typeId: string, property: string): Answer {
  return badRequest(`Unable to perform update/upsert by non-unique ${typeId} property ${property}`);
}

export function notThere(): Answer {
  return errorAnswer(404, "OBJECT_NOT_FOUND", "resource not found");
}

export function unknownType(name: string): Answer {
  return badRequest(`Unable to infer object type from: ${name}`);
}

export function tooMany(rows: readonly unknown[], most: number): Answer | undefined {
  return rows.length > most
    ? badRequest(
        `The maximum number of inputs supported in a batch request is ${most}. Please reduce the number of items and try again`,
      )
    : undefined;
}

export function unauthorized(): Answer {
  return errorAnswer(
    401,
    "INVALID_AUTHENTICATION",
    "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview",
  );
}

export function forbidden(): Answer {
  return errorAnswer(
    403,
    "MISSING_SCOPES",
    "This app hasn't been granted all required scopes to make this call. Read more about required scopes here: https://developers.hubspot.com/scopes.",
    {
      errors: [
        {
          message: "One or more of the following scopes are required.",
          context: { requiredGranularScopes: ["crm.objects.contacts.write"] },
        },
      ],
      links: { scopes: "https://developers.hubspot.com/scopes" },
    },
  );
}

export function rateLimited(policyName: RatePolicy): Answer {
  const message = `You have reached your ${policyName.toLowerCase()} limit.`;
  const answer = errorAnswer(429, "RATE_LIMITS", message, { errorType: "RATE_LIMIT", policyName });
  return { ...answer, exhausted: policyName };
}
