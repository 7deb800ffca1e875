// Why one record was not written or not found: as a whole answer, and as one entry of a batch's errors.

import { type Answer, errorAnswer } from "./answer.js";
import type { Issue } from "./check.js";
import { assertNever } from "./never.js";
import type { ObjectType } from "./object-type.js";

export type Refusal =
  | { readonly kind: "invalid"; readonly issues: readonly Issue[] }
  | { readonly kind: "conflict"; readonly existingId: string }
  | { readonly kind: "missing"; readonly id: string };

export interface BatchError {
  readonly status: "error";
  readonly category: string;
  readonly message: string;
  readonly errors?: readonly object[];
  readonly context: Readonly<Record<string, readonly string[]>>;
}

const portalId = 62515;

export function refusalAnswer(type: ObjectType, refusal: Refusal): Answer {
  switch (refusal.kind) {
    case "invalid":
      return errorAnswer(400, "VALIDATION_ERROR", issuesMessage(refusal.issues), { errors: details(refusal.issues) });
    case "conflict":
      return errorAnswer(409, "CONFLICT", conflictMessage(type, refusal.existingId));
    case "missing":
      return /^\d+$/.test(refusal.id)
        ? errorAnswer(404, "OBJECT_NOT_FOUND", "resource not found")
        : errorAnswer(404, "OBJECT_NOT_FOUND", "Object not found.  objectId are usually numeric.", {
            context: { id: [refusal.id] },
          });
    default:
      return assertNever(refusal);
  }
}

export function batchError(type: ObjectType, refusal: Refusal, traceId: string): BatchError {
  const trace = { objectWriteTraceId: [traceId] };
  switch (refusal.kind) {
    case "invalid":
      return {
        status: "error",
        category: "VALIDATION_ERROR",
        message: issuesMessage(refusal.issues),
        errors: details(refusal.issues),
        context: { propertyName: refusal.issues.map(({ property }) => property), ...trace },
      };
    case "conflict":
      return {
        status: "error",
        category: "CONFLICT",
        message: conflictMessage(type, refusal.existingId),
        context: trace,
      };
    case "missing":
      return missingError(type, [refusal.id], trace);
    default:
      return assertNever(refusal);
  }
}

/** Without trace ids HubSpot names all the missing ids in one entry. */
export function missingError(
  type: ObjectType,
  ids: readonly string[],
  context: Readonly<Record<string, readonly string[]>> = {},
): BatchError {
  return {
    status: "error",
    category: "OBJECT_NOT_FOUND",
    message: `Could not get some ${type.singular.toUpperCase()} objects, they may be deleted or not exist. Check that ids are valid.`,
    context: { ids, ...context },
  };
}

function conflictMessage(type: ObjectType, existingId: string): string {
  return `${type.singular} already exists. Existing ID: ${existingId}`;
}

function issuesMessage(issues: readonly Issue[]): string {
  const results = issues.map(({ property, value, code, message }) => ({
    isValid: false,
    message,
    error: code,
    name: property,
    localizedErrorMessage: message,
    propertyValue: value,
    portalId,
  }));
  return `Property values were not valid: ${JSON.stringify(results)}`;
}

function details(issues: readonly Issue[]): readonly object[] {
  return issues.map(({ property, code, message }) => ({ message, code, context: { propertyName: [property] } }));
}
