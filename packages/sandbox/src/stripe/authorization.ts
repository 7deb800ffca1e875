// Who is let in: a key as Bearer, or as the user of Basic with any password.

import { type Answer, refusalAnswer } from "./answer.js";
import { invalid } from "./refusal.js";
import type { ApiRequest } from "./request.js";

/** `token`: the one key that is let in; undefined: any. */
export function refuseKey(request: ApiRequest, token: string | undefined): Answer | undefined {
  const sent = keyOf(request.authorization ?? "");
  if (sent === undefined) return noKey(request);
  return token === undefined || sent === token ? undefined : wrongKey(request);
}

export function wrongKey(request: ApiRequest): Answer {
  const sent = keyOf(request.authorization ?? "") ?? "";
  return unauthorized(request, `Invalid API Key provided: ${censored(sent)}`);
}

export function forbidden(request: ApiRequest): Answer {
  const key = censored(keyOf(request.authorization ?? "") ?? "");
  const message = `The provided key '${key}' does not have the required permissions for this endpoint.`;
  return refusalAnswer(request, { ...invalid(message), status: 403 });
}

function noKey(request: ApiRequest): Answer {
  return unauthorized(
    request,
    "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See https://stripe.com/docs/api#authentication for details, or we can help at https://support.stripe.com/.",
  );
}

function unauthorized(request: ApiRequest, message: string): Answer {
  const answer = refusalAnswer(request, { ...invalid(message), status: 401 });
  return { ...answer, headers: { "WWW-Authenticate": 'Basic realm="Stripe"' } };
}

function keyOf(authorization: string): string | undefined {
  const [, scheme = "", credentials = ""] = /^(\S+) (\S+)$/.exec(authorization) ?? [];
  switch (scheme.toLowerCase()) {
    case "bearer":
      return credentials;
    case "basic":
      return Buffer.from(credentials, "base64").toString("utf8").split(":")[0] || undefined;
    default:
      return undefined;
  }
}

/** The kind of key and its last four characters. */
function censored(key: string): string {
  const [kind = ""] = /^(?:sk|rk|pk)_(?:test|live)_/.exec(key) ?? [];
  return (
    kind + "*".repeat(Math.max(0, key.length - kind.length - 4)) + key.slice(Math.max(kind.length, key.length - 4))
  );
}
