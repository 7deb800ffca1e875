// One account of an API: where it is, what it is reached with, and what it may be asked.

import type { Logger } from "pino";
import { Budget, type RateLimit } from "../http/budget.js";
import { type Token, TokenSource } from "../http/oauth.js";
import type { LimitManifest, Manifest } from "./manifest.js";
import { fillText, type Scope } from "./template.js";

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
  readonly log: Logger;
}

/** What the config says of it. */
export interface AccountConfig
  extends Pick<Account, "api" | "manifest" | "base" | "config" | "timeoutMs" | "waitMs" | "transaction" | "log"> {
  /** Ours at most; the manifest's own limits hold as well. */
  readonly rate?: RateLimit | undefined;
}

export function openAccount({ rate, ...given }: AccountConfig): Account {
  const limits = given.manifest.limits.map((described) => ({ described, limit: limitOf(described) }));
  const budget = new Budget([...limits.map(({ limit }) => limit), ...(rate ? [rate] : [])]);
  return { ...given, limits, budget, tokens: tokensOf(given) };
}

function limitOf({ calls, per, path, each_path: eachPath }: LimitManifest): RateLimit {
  return { calls, perMs: per, path: path === undefined ? undefined : globbed(path), eachPath };
}

function tokensOf({ manifest: { auth }, base, config, timeoutMs }: AccountConfig): TokenSource | undefined {
  if (!auth?.oauth2) return undefined;
  const grant = Object.entries(auth.oauth2.grant).map(([name, value]) => [name, fillText(value, { config })]);
  const url = new URL(fillText(auth.oauth2.token, { config }), base).href;
  return new TokenSource(url, Object.fromEntries(grant), timeoutMs);
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

/** `*` stands for anything but a slash, or, at the beginning, for all that comes before. */
function globbed(glob: string): RegExp {
  const parts = glob
    .replace(/^\*\//, "\0")
    .split("*")
    .map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join("[^/]*").replace("\0", ".*/")}$`);
}
