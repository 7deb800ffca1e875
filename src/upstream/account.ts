// One account of an API: its address, its credentials and its rate limits.

import type { Logger } from "pino";
import { memberOf } from "../config/member.js";
import { type ConfigValues, Secret } from "../config/secret.js";
import { Budget, type RateLimit } from "../http/budget.js";
import { type Token, TokenSource } from "../http/oauth.js";
import type { TokenStore } from "../http/token-store.js";
import type { CheckedHooks } from "../manifest/hooks.js";
import type { LimitManifest, Manifest } from "../manifest/manifest.js";
import { fillText, type Scope } from "../manifest/template.js";

export interface Account {
  readonly api: string;
  readonly manifest: Manifest;
  readonly base: string;
  readonly config: ConfigValues;
  readonly budget: Budget;
  /** The manifest's limits, each with its counterpart in the budget. */
  readonly limits: readonly { readonly manifest: LimitManifest; readonly limit: RateLimit }[];
  /** Undefined for an API that needs no token of OAuth 2. */
  readonly tokens: TokenSource | undefined;
  readonly timeoutMs: number;
  /** The longest time that a statement waits for the rate limit. */
  readonly waitMs: number;
  /** The mode of a transaction that sets none itself. */
  readonly transaction?: string | undefined;
  readonly hooks?: CheckedHooks | undefined;
  /** The secrets that we send, which an answer may repeat and no message may show. */
  readonly secrets: readonly string[];
  readonly log: Logger;
}

/** The parts of an account that come from the config. */
export interface AccountConfig
  extends Pick<Account, "api" | "manifest" | "base" | "timeoutMs" | "waitMs" | "transaction" | "hooks" | "log"> {
  readonly config: Readonly<Record<string, string>>;
  /** Makes the place where tokens are kept for all processes of the account with these secrets; undefined: there is none. */
  readonly tokenStore?: ((secrets: readonly string[]) => TokenStore) | undefined;
  /** The config's own limit, which holds besides the manifest's. */
  readonly rate?: RateLimit | undefined;
}

/** Returns the account with its budget, and with a source of tokens if the manifest asks for OAuth 2. Sends nothing. */
export function openAccount({ rate, tokenStore, ...parts }: AccountConfig): Account {
  const limits = parts.manifest.limits.map((manifest) => ({ manifest, limit: limitOf(manifest) }));
  const budget = new Budget([...limits.map(({ limit }) => limit), ...(rate ? [rate] : [])]);
  const config = withMarkedSecrets(parts);
  const ownSecrets = secretsOf(parts, config);
  const tokens = tokensOf({ ...parts, tokenStore }, ownSecrets);
  return {
    ...parts,
    config,
    limits,
    budget,
    tokens,
    get secrets() {
      return tokens?.secrets ?? ownSecrets;
    },
  };
}

function withMarkedSecrets({ manifest, config }: AccountConfig): ConfigValues {
  const marked = Object.entries(config).map(([name, value]) => [
    name,
    memberOf(manifest.config, name)?.secret ? new Secret(value) : value,
  ]);
  return Object.fromEntries(marked);
}

/** Returns the secrets in plain, as basic authentication encodes them, and as an address or a form does. */
function secretsOf({ manifest, config }: AccountConfig, marked: ConfigValues): readonly string[] {
  const secrets = Object.values(marked).flatMap((value) => (value instanceof Secret ? [value.reveal()] : []));
  const pair = manifest.auth?.basic?.map((part) => fillText(part, { config })).join(":");
  const basic = pair === undefined ? [] : [Buffer.from(pair).toString("base64")];
  const encoded = secrets.flatMap((secret) => [
    new URLSearchParams([["", secret]]).toString().slice(1),
    encodeURIComponent(secret),
    new URL(`http://host/?${encodeURIComponent(secret)}`).search.slice(1),
  ]);
  return [...new Set([...basic, ...secrets, ...encoded])];
}

function limitOf({ calls, per, path, each_path: eachPath }: LimitManifest): RateLimit {
  return { calls, perMs: per, path: path === undefined ? undefined : compileGlob(path), eachPath };
}

function tokensOf(
  { manifest, base, config, timeoutMs, tokenStore }: AccountConfig,
  secrets: readonly string[],
): TokenSource | undefined {
  const { auth } = manifest;
  if (!auth?.oauth2) return undefined;
  const { keep, keep_in: keepIn } = auth.oauth2;
  const grant = Object.fromEntries(
    Object.entries(auth.oauth2.grant).map(([name, value]) => [name, fillText(value, { config })]),
  );
  const own = fillText(base, { config, auth: tokenFields(manifest, undefined) });
  const token = fillText(auth.oauth2.token, { config, path: pathOf(own) });
  const url = URL.canParse(token) ? token : new URL(token, own).href;
  const { refresh_token: refresh } = grant;
  // What the account is let in by: its other secrets may be replaced, and the tokens stay.
  const identity = [url, ...(refresh === undefined ? Object.entries(grant).flat() : [refresh])];
  const isKept = keepIn === "database" || (keepIn === undefined && refresh !== undefined);
  return new TokenSource(url, grant, keep, timeoutMs, secrets, isKept ? tokenStore?.(identity) : undefined);
}

/** Returns the headers that authenticate a request; none for an API without authentication. */
export function credentials({ auth }: Manifest, scope: Scope, token: Token | undefined): Record<string, string> {
  if (token) return { authorization: `Bearer ${token.access}` };
  if (auth?.bearer !== undefined) return { authorization: `Bearer ${fillText(auth.bearer, scope)}` };
  if (auth?.basic) {
    const pair = auth.basic.map((part) => fillText(part, scope)).join(":");
    return { authorization: `Basic ${Buffer.from(pair).toString("base64")}` };
  }
  return Object.fromEntries(Object.entries(auth?.header ?? {}).map(([name, value]) => [name, fillText(value, scope)]));
}

/** Returns the path of a base without its last slash. The base may begin with a placeholder that only a token's answer fills in. */
export function pathOf(base: string): string {
  const path = URL.canParse(base) ? new URL(base).pathname : base.replace(/^\{[\w.]+\}/, "");
  return path.replace(/\/$/, "");
}

/** Returns the fields of the token's answer that templates may name. Before the first token, each field is its own placeholder. */
export function tokenFields({ auth }: Manifest, token: Token | undefined): Readonly<Record<string, string>> {
  return token?.fields ?? Object.fromEntries((auth?.oauth2?.keep ?? []).map((name) => [name, `{auth.${name}}`]));
}

/** In a pattern, `*` stands for any characters but a slash; a `*` at the beginning stands for slashes as well. */
function compileGlob(glob: string): RegExp {
  const parts = glob
    .replace(/^\*\//, "\0")
    .split("*")
    .map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join("[^/]*").replace("\0", ".*/")}$`);
}
