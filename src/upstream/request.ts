// One call of the manifest, filled in: what goes out as HTTP.

import { stringify } from "qs";
import { isRecord } from "../config/json.js";
import type { Token } from "../http/oauth.js";
import type { Call } from "../manifest/call-schema.js";
import { numberText, toJson } from "../manifest/lossless-json.js";
import { fill, fillText, type Scope } from "../manifest/template.js";
import { type Account, credentials, keptOf, pathOf } from "./account.js";
import { ownError, type UpstreamError } from "./write-outcome.js";

export interface RequestInput {
  readonly call: Call;
  readonly scope: Scope;
  /** What `each` repeats over. */
  readonly rows?: readonly Scope[] | undefined;
  /** The next page's address, in place of the call's own. */
  readonly address?: string | undefined;
  /** Where the API knows such keys and the call is a POST: it is done once, however often it is sent. */
  readonly idempotencyKey?: string | null | undefined;
}

export interface ComposedRequest {
  readonly kind: "composed";
  readonly method: Call["method"];
  readonly url: string;
  /** Of the base, as the limits see it: with the placeholders of what is a row's own. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

export function composeRequest(
  account: Account,
  { call, scope, rows = [], address, idempotencyKey }: RequestInput,
  token: Token | undefined,
): ComposedRequest | { readonly kind: "unfit"; readonly error: UpstreamError } {
  const { manifest, config } = account;
  const own = { config, auth: keptOf(manifest, token) };
  const base = fillText(account.base, own).replace(/\/$/, "");
  const full = { ...own, path: pathOf(base), ...scope };
  const unfitParts: string[] = [];
  const path = fillText(call.path, full, (part) => {
    // Such a path is another resource's.
    if (/^\.{0,2}$/.test(part)) unfitParts.push(part);
    return encodeURIComponent(part);
  });
  const [unfitPart] = unfitParts;
  if (unfitPart !== undefined) return { kind: "unfit", error: unfit(unfitPart) };
  const url = address ?? `${base}${path}${queryOf(call, full)}`;
  const body = call.body === undefined ? undefined : encoded(manifest.encode, fill(call.body, full, rows));
  if (body !== undefined && call.bytes !== undefined && Buffer.byteLength(body) > call.bytes)
    return { kind: "unfit", error: tooLong(account.api, Buffer.byteLength(body), call.bytes) };
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

/** Of an address that an answer told: as the path of a call is, without the base's. */
function pathBelow(basePath: string, address: string): string {
  const { pathname } = new URL(address);
  return pathname.startsWith(`${basePath}/`) ? pathname.slice(basePath.length) : pathname;
}

/** A form has nested keys in brackets, and an empty text for null and for what has nothing in it. */
function encoded(encoding: "json" | "form", body: unknown): string {
  return encoding === "json" ? toJson(body) : stringify(texts(body), { encoder: escaped });
}

/** A key may be a row's own, so it is escaped as well; its brackets stay. */
function escaped(text: unknown, _: unknown, __: string, kind: "key" | "value"): string {
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

function unfit(part: string): UpstreamError {
  return { ...ownError("22023", `"${part}" has no place in the path of a request`), hint: "Nothing was sent." };
}

function tooLong(api: string, bytes: number, limit: number): UpstreamError {
  const message = `the request would have ${bytes} bytes, and ${api} takes at most ${limit}`;
  return { ...ownError("54000", message), hint: "Nothing was sent. Write fewer rows per statement." };
}
