// Composes the HTTP request of one call of the manifest.

import { stringify } from "qs";
import type { CleanText } from "../config/clean-text.js";
import { isRecord } from "../config/json.js";
import { masked, revealed } from "../config/secret.js";
import type { Token } from "../http/oauth.js";
import type { Call } from "../manifest/call-schema.js";
import { numberText } from "../manifest/json-number.js";
import { toJson } from "../manifest/lossless-json.js";
import { fill, fillText, type Scope, TemplateError } from "../manifest/template.js";
import { type Account, credentials, pathOf, tokenFields } from "./account.js";
import { nothingFillsIn, requestTooLong, unfitKey } from "./own-errors.js";
import { wordReader } from "./words.js";
import { ownError, type UpstreamError } from "./write-outcome.js";

export interface RequestInput {
  readonly call: Call;
  readonly scope: Scope;
  /** The rows over which `each` in the call's body repeats. */
  readonly rows?: readonly Scope[] | undefined;
  /** The address of the next page, in place of the call's own. */
  readonly address?: string | undefined;
  /** The key by which an API that supports it does a repeated POST only once. */
  readonly idempotencyKey?: string | null | undefined;
}

export interface ComposedRequest {
  readonly kind: "composed";
  readonly method: Call["method"];
  readonly url: string;
  /** The path below the base as the rate limits match it, with the placeholders of a row's own values. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

type Composition = ComposedRequest | { readonly kind: "unfit"; readonly error: UpstreamError };

/** Returns the request with its credentials, or the error of one that can't be sent. */
export function composeRequest(account: Account, input: RequestInput, token: Token | undefined): Composition {
  return compose(account, revealed(account.config), input, token);
}

/** Does what `composeRequest` does, for people to read: no secret is in it, and it can't be sent. */
export function showRequest(account: Account, input: RequestInput): Composition {
  return compose(account, masked(account.config), input, undefined);
}

/** Returns the address of a request for people: no secret is in it, be it the config's or one that an API put into the address of a page. */
export function shownUrl(account: Account, input: RequestInput, token: Token | undefined): CleanText {
  const shown = compose(account, masked(account.config), input, token);
  return wordReader(account.secrets).sentence(shown.kind === "composed" ? shown.url : "");
}

function compose(
  account: Account,
  config: Readonly<Record<string, string>>,
  input: RequestInput,
  token: Token | undefined,
): Composition {
  try {
    return composeWhole(account, config, input, token);
  } catch (cause) {
    if (!(cause instanceof TemplateError)) throw cause;
    return { kind: "unfit", error: ownError(nothingFillsIn(cause.placeholder)) };
  }
}

/** Throws TemplateError for a placeholder that has no value. */
function composeWhole(
  account: Account,
  config: Readonly<Record<string, string>>,
  { call, scope, rows = [], address, idempotencyKey }: RequestInput,
  token: Token | undefined,
): Composition {
  const { manifest } = account;
  const own = { config, auth: tokenFields(manifest, token) };
  const base = fillText(account.base, own).replace(/\/$/, "");
  const full = { ...own, path: pathOf(base), ...scope };
  const unfitParts: string[] = [];
  const path = fillText(call.path, full, (part) => {
    // An empty part or one of dots would lead to another resource.
    if (/^\.{0,2}$/.test(part)) unfitParts.push(part);
    return encodeURIComponent(part);
  });
  const [unfitPart] = unfitParts;
  if (unfitPart !== undefined) return { kind: "unfit", error: ownError(unfitKey(unfitPart)) };
  const url = address ?? `${base}${path}${queryOf(call, full)}`;
  const body = call.body === undefined ? undefined : encodeBody(manifest.encode, fill(call.body, full, rows));
  if (body !== undefined && call.bytes !== undefined && Buffer.byteLength(body) > call.bytes)
    return { kind: "unfit", error: ownError(requestTooLong(account.api, Buffer.byteLength(body), call.bytes)) };
  const extra = Object.entries({ ...manifest.headers, ...call.headers });
  return {
    kind: "composed",
    method: call.method,
    url,
    path:
      address === undefined
        ? call.path.replaceAll("{table}", encodeURIComponent(String(scope["table"])))
        : pathBelow(full.path, address),
    headers: {
      accept: "application/json",
      ...(body === undefined ? {} : { "content-type": contentTypes[manifest.encode] }),
      ...Object.fromEntries(extra.map(([name, value]) => [name.toLowerCase(), fillText(value, full)])),
      ...(manifest.idempotency && idempotencyKey
        ? { [manifest.idempotency.header.toLowerCase()]: idempotencyKey }
        : {}),
      ...credentials(manifest, full, token),
    },
    body,
  };
}

const contentTypes = { json: "application/json", form: "application/x-www-form-urlencoded" };

function queryOf(call: Call, scope: Scope): string {
  const pairs = Object.entries(call.query ?? {}).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value])
      .filter((one) => one !== "")
      .map((one) => `${encodeURIComponent(name)}=${encodeURIComponent(fillText(String(one), scope))}`),
  );
  return pairs.length > 0 ? `?${pairs.join("&")}` : "";
}

/** Returns the path of an address from an answer, without the path of the base. */
function pathBelow(basePath: string, address: string): string {
  const { pathname } = new URL(address);
  return pathname.startsWith(`${basePath}/`) ? pathname.slice(basePath.length) : pathname;
}

/** A form writes nested keys in brackets, and null, an empty list and an empty object as an empty text. */
function encodeBody(encoding: "json" | "form", body: unknown): string {
  return encoding === "json" ? toJson(body) : stringify(texts(body), { encoder: escapeFormText });
}

/** A key may come from a row, so it is escaped as well, except for its brackets. */
function escapeFormText(text: unknown, _: unknown, __: string, kind: "key" | "value"): string {
  const all = encodeURIComponent(String(text));
  return kind === "key" ? all.replaceAll("%5B", "[").replaceAll("%5D", "]") : all;
}

function texts(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? "" : value.map(texts);
  const number = numberText(value);
  if (number !== undefined || !isRecord(value)) return number ?? value;
  if (Object.keys(value).length === 0) return "";
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, texts(one)]));
}
