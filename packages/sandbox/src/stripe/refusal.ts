// Why Stripe refuses a request: the type, code, parameter and words of each error.

export interface Refusal {
  readonly status: number;
  readonly type: "invalid_request_error" | "idempotency_error" | "api_error";
  readonly message: string;
  readonly code?: string;
  readonly param?: string;
  /** An idempotency key keeps what came after the parameters were found good, and nothing before. */
  readonly phase: "validation" | "execution";
}

export type Checked<T> =
  | { readonly kind: "good"; readonly value: T }
  | { readonly kind: "refused"; readonly refusal: Refusal };

export function good<T>(value: T): Checked<T> {
  return { kind: "good", value };
}

export function refused(refusal: Refusal): Checked<never> {
  return { kind: "refused", refusal };
}

/** A parameter that can't be taken as it is. */
export function invalid(message: string, param?: string, code?: string): Refusal {
  return {
    status: 400,
    type: "invalid_request_error",
    message,
    phase: "validation",
    ...(param === undefined ? {} : { param }),
    ...(code === undefined ? {} : { code }),
  };
}

/** Good parameters that don't go with what is stored. */
export function conflicting(message: string, param?: string, code?: string): Refusal {
  return { ...invalid(message, param, code), phase: "execution" };
}

export function missingParam(param: string): Refusal {
  return invalid(`Missing required param: ${param}.`, param, "parameter_missing");
}

export function unknownParams(names: readonly string[]): Refusal {
  const plural = names.length > 1 ? "s" : "";
  return invalid(`Received unknown parameter${plural}: ${names.join(", ")}`, names[0], "parameter_unknown");
}

export function emptyParam(param: string): Refusal {
  return invalid(
    `You passed an empty string for '${param}'. We assume empty values are an attempt to unset a parameter; however '${param}' cannot be unset. You should remove '${param}' from your request or supply a non-empty value.`,
    param,
    "parameter_invalid_empty",
  );
}

export function exclusiveParams(...names: readonly string[]): Refusal {
  return invalid(`You may only specify one of these parameters: ${names.join(", ")}.`, names[0]);
}

/** What the path names is not there. */
export function missingObject(object: string, id: string, param: string): Refusal {
  return { ...missingReference(object, id, param), status: 404 };
}

/** What a parameter names is not there: no 404, for the path is right. */
export function missingReference(object: string, id: string, param: string): Refusal {
  return conflicting(`No such ${object}: '${id}'`, param, "resource_missing");
}

/** An id that was chosen and is taken. */
export function existingObject(name: string): Refusal {
  return conflicting(`${name} already exists.`, undefined, "resource_already_exists");
}

export function unrecognizedUrl(method: string, path: string): Refusal {
  return {
    ...invalid(
      `Unrecognized request URL (${method}: ${path}). Please see https://stripe.com/docs or we can help at https://support.stripe.com/.`,
    ),
    status: 404,
  };
}

/** Stripe's own fault, before anything was done or after. */
export function broken(status: 500 | 503, message: string): Refusal {
  return { status, type: "api_error", message, phase: "execution" };
}
