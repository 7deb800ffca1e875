// Why one record was not written or not found: as a whole answer, and as one entry of a batch's errors.

import { assertNever } from "../never.js";
import { type Answer, type Context, errorAnswer } from "./answer.js";
import type { Issue } from "./check.js";
import type { Conflict } from "./object-table.js";
import { inMessages, isCustom, type ObjectType } from "./object-type.js";
import { portalId } from "./portal-id.js";

export type Refusal =
  | { readonly kind: "invalid"; readonly issues: readonly Issue[] }
  /** A create without what the type requires. */
  | { readonly kind: "incomplete"; readonly properties: readonly string[] }
  | Conflict
  | { readonly kind: "missing"; readonly id: string }
  /** An association that can't be, or one of those that a create asks for. */
  | { readonly kind: "unassociable"; readonly message: string; readonly context?: Context };

export interface BatchError {
  readonly status: "error";
  readonly category: string;
  readonly subCategory?: string;
  readonly message: string;
  readonly errors?: readonly object[];
  readonly context: Context;
}

export function refusalAnswer(type: ObjectType, refusal: Refusal): Answer {
  switch (refusal.kind) {
    case "invalid":
      return errorAnswer(400, "VALIDATION_ERROR", issuesMessage(refusal.issues), { errors: details(refusal.issues) });
    case "incomplete":
      return errorAnswer(400, "VALIDATION_ERROR", incompleteMessage(type), {
        context: { properties: refusal.properties },
      });
    case "conflict":
      return overKey(type, refusal)
        ? errorAnswer(409, "CONFLICT", conflictMessage(type, refusal))
        : errorAnswer(400, "VALIDATION_ERROR", conflictMessage(type, refusal));
    case "unassociable":
      return errorAnswer(
        400,
        "VALIDATION_ERROR",
        refusal.message,
        refusal.context === undefined ? {} : { context: refusal.context },
      );
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
    case "incomplete":
      return {
        status: "error",
        category: "VALIDATION_ERROR",
        message: incompleteMessage(type),
        context: { properties: refusal.properties, ...trace },
      };
    case "conflict":
      return {
        status: "error",
        category: overKey(type, refusal) ? "CONFLICT" : "VALIDATION_ERROR",
        message: conflictMessage(type, refusal),
        context: trace,
      };
    case "unassociable":
      return {
        status: "error",
        category: "VALIDATION_ERROR",
        message: refusal.message,
        context: { ...refusal.context, ...trace },
      };
    case "missing":
      return missingError(type, [refusal.id], trace);
    default:
      return assertNever(refusal);
  }
}

/** Without trace ids HubSpot names all the missing ids in one entry. */
export function missingError(type: ObjectType, ids: readonly string[], context: Context = {}): BatchError {
  return {
    status: "error",
    category: "OBJECT_NOT_FOUND",
    message: `Could not get some ${inMessages(type)} objects, they may be deleted or not exist. Check that ids are valid.`,
    context: { ids, ...context },
  };
}

function overKey(type: ObjectType, conflict: Conflict): boolean {
  return conflict.property === type.key;
}

function conflictMessage(type: ObjectType, conflict: Conflict): string {
  const { existingId, property, value, recordId } = conflict;
  if (overKey(type, conflict)) return `${type.labels.singular} already exists. Existing ID: ${existingId}`;
  const typeId = isCustom(type) ? `innerId=${type.typeId.slice(2)}` : `legacyObjectType=${inMessages(type)}`;
  const place = `portalId=${portalId}, objectTypeId=ObjectTypeId{${typeId}}, propertyName=${property}, value=${value}`;
  return `Cannot set PropertyValueCoordinates{${place}} on ${recordId}. ${existingId} already has that value.`;
}

function incompleteMessage(type: ObjectType): string {
  return `Error creating ${inMessages(type)}. Some required properties were not set.`;
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
