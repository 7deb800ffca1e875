// One account of an API: where it is, what it is reached with, and what it may be asked.

import type { Logger } from "pino";
import { Budget, type RateLimit } from "../http/budget.js";
import { type Token, TokenSource } from "../http/oauth.js";
import type { CheckedHooks } from "../manifest/hooks.js";
import type { LimitManifest, Manifest } from "../manifest/manifest.js";
import { fillText, type Scope } from "../manifest/template.js";

export interface Account {
  readonly api: string;
  readonly manifest: Manifest;
  readonly base: string;
  readonly config: Readonly<Record<string, string>>;
  readonly budget: Budget;
  /** The manifest's limits, as the budget has them. */
  readonly limits: readonly { readonly described: LimitManifest; readonly limit: RateLimit }[];
  /** Undefined: it needs no token of OAuth 2. */
  readonly tokens: TokenSource | undefined;
  readonly timeoutMs: number;
  /** How long a statement may wait for the rate limit. */
  readonly waitMs: number;
  /** The mode of transactions that set none. */
  readonly transaction?: string | undefined;
  readonly hooks?: CheckedHooks | undefined;
  /** What an answer may repeat of what we have sent, and nobody shall read. */
  readonly secrets: readonly string[];
  readonly log: Logger;
}

/** What the config says of it. */
export interface AccountConfig
  extends Pick<
    Account,
    "api" | "manifest" | "base" | "config" | "timeoutMs" | "waitMs" | "transaction" | "hooks" | "log"
  > {
  /** Ours at most; the manifest's own limits hold as well. */
  readonly rate?: RateLimit | undefined;
}

export function openAccount({ rate, ...given }: AccountConfig): Account {
  const limits = given.manifest.limits.map((described) => ({ described, limit: limitOf(described) }));
  const budget = new Budget([...limits.map(({ limit }) => limit), ...(rate ? [rate] : [])]);
  return { ...given, limits, budget, tokens: tokensOf(given), secrets: secretsOf(given) };
}

/** As they are, and as basic authentication encodes them. A short one could be any word. */
function secretsOf({ manifest, config }: AccountConfig): string[] {
  const secrets = Object.entries(config).flatMap(([name, value]) => (manifest.config[name]?.secret ? [value] : []));
  const pair = manifest.auth?.basic?.map((part) => fillText(part, { config })).join(":");
  const basic = pair === undefined ? [] : [Buffer.from(pair).toString("base64")];
  return [...basic, ...secrets].filter(({ length }) => length >= leastSecret);
}

const leastSecret = 6;

function limitOf({ calls, per, path, each_path: eachPath }: LimitManifest): RateLimit {
  return { calls, perMs: per, path: path === undefined ? undefined : globbed(path), eachPath };
}

function tokensOf({ manifest, base, config, timeoutMs }: AccountConfig): TokenSource | undefined {
  const { auth } = manifest;
  if (!auth?.oauth2) return undefined;
  const grant = Object.entries(auth.oauth2.grant).map(([name, value]) => [name, fillText(value, { config })]);
  const own = fillText(base, { config, auth: keptOf(manifest, undefined) });
  const token = fillText(auth.oauth2.token, { config, path: pathOf(own) });
  const url = URL.canParse(token) ? token : new URL(token, own).href;
  return new TokenSource(url, Object.fromEntries(grant), auth.oauth2.keep, timeoutMs);
}

/** What shows who we are. */
export function credentials({ auth }: Manifest, scope: Scope, token: Token | undefined): Record<string, string> {
  if (token) return { authorization: `Bearer ${token.access}` };
  if (auth?.bearer !== undefined) return { authorization: `Bearer ${fillText(auth.bearer, scope)}` };
  if (auth?.basic) {
    const pair = auth.basic.map((part) => fillText(part, scope)).join(":");
    return { authorization: `Basic ${Buffer.from(pair).toString("base64")}` };
  }
  return Object.fromEntries(Object.entries(auth?.header ?? {}).map(([name, value]) => [name, fillText(value, scope)]));
}

/** The path of a base, which may begin with what only a token's answer tells. */
export function pathOf(base: string): string {
  const path = URL.canParse(base) ? new URL(base).pathname : base.replace(/^\{[\w.]+\}/, "");
  return path.replace(/\/$/, "");
}

/** What of a token's answer a request may name: until there is one, the placeholders themselves. */
export function keptOf({ auth }: Manifest, token: Token | undefined): Readonly<Record<string, string>> {
  return token?.kept ?? Object.fromEntries((auth?.oauth2?.keep ?? []).map((name) => [name, `{auth.${name}}`]));
}

/** `*` stands for anything but a slash, or, at the beginning, for all that comes before. */
function globbed(glob: string): RegExp {
  const parts = glob
    .replace(/^\*\//, "\0")
    .split("*")
    .map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join("[^/]*").replace("\0", ".*/")}$`);
}
