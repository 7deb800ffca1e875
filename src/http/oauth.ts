// Access tokens of OAuth 2 (RFC 6749), kept until they expire, in this process or for all of the account; one is asked for at a time.

import { assertNever } from "../config/assert-never.js";
import { cleanText, textLimits } from "../config/clean-text.js";
import { isRecord } from "../config/json.js";
import { memberOf } from "../config/member.js";
import { bodyWords } from "./body-words.js";
import { type HttpOutcome, sendHttp } from "./client.js";
import { type KeptToken, NoPlaceForTokens, type TokenStore } from "./token-store.js";

export interface Token extends KeptToken {
  /** `kept`: another process, or an earlier one, has asked for it. */
  readonly origin: "server" | "kept";
}

/** There is no token: the server refused one, or gave no answer, or there is no place to keep it. Its message is clean and shows no secret. */
export class TokenError extends Error {
  constructor(
    message: string,
    readonly kind: "refused" | "unreachable" | "no place",
    secrets: readonly string[],
  ) {
    super(cleanText(message, textLimits.sentence, secrets));
  }
}

type HttpAnswer = Extract<HttpOutcome, { kind: "answered" }>;

/** A token is not used in the last minute of its life, or in the second half of a shorter one. */
const marginMs = 60_000;
/** After a day another token is asked for, however long the server says that this one lives. */
const longestLifeMs = 86_400_000;
/** How many tokens are kept as secrets: an answer may speak of the one before. */
const keptSecrets = 6;

export class TokenSource {
  private token: Token | undefined;
  private asking: Promise<Token> | undefined;
  /** What the server gave last: some replace the refresh token with each answer, and forget the previous one. */
  private newest: KeptToken | undefined;
  /** `newest` is not in the store. */
  private isUnkept = false;
  /** The access token that the API has refused last. */
  private refusedAccess: string | undefined;
  private tokenSecrets: readonly string[] = [];

  constructor(
    private readonly url: string,
    private readonly grant: Readonly<Record<string, string>>,
    /** The names of the fields that an answer needs besides the token. */
    private readonly keep: readonly string[],
    private readonly timeoutMs: number,
    /** The secrets of the grant, which no error may show. */
    private readonly grantSecrets: readonly string[],
    /** Where all processes of the account have their tokens; undefined: this one has its own. */
    private readonly store?: TokenStore | undefined,
  ) {}

  /** True when tokens are kept in the database. */
  get isStored(): boolean {
    return this.store !== undefined;
  }

  /** True when the server has given out a refresh token that ends with this process: the configured one may be used up. */
  get losesRefreshToken(): boolean {
    return this.store === undefined && this.newest?.refresh !== undefined;
  }

  /** The secrets of the grant and the newest tokens, which no text of an answer may show. */
  get secrets(): readonly string[] {
    return [...this.tokenSecrets, ...this.grantSecrets];
  }

  /** Returns a token that is still valid, and asks for one if there is none. Throws TokenError. */
  async current(): Promise<Token> {
    if (this.token && this.token.usedUntilMs > performance.now()) return this.token;
    this.asking ??= this.ask().finally(() => {
      this.asking = undefined;
    });
    return this.asking;
  }

  /** Drops a token that the API has refused. */
  invalidate(token: Token): void {
    if (this.token !== token) return;
    this.token = undefined;
    this.refusedAccess = token.access;
  }

  private async ask(): Promise<Token> {
    if (!this.store) return this.take(await this.request(this.newest?.refresh), "server");
    let origin: Token["origin"] = "kept";
    const renew = async (stored: KeptToken | undefined): Promise<KeptToken> => {
      const kept = this.isUnkept ? this.newest : stored;
      if (kept) this.noteSecrets(kept);
      if (kept && kept.access !== this.refusedAccess && kept.usedUntilMs > performance.now()) return kept;
      origin = "server";
      this.newest = await this.request(kept?.refresh);
      this.isUnkept = true;
      return this.newest;
    };
    try {
      const token = await this.store.renew(renew);
      this.isUnkept = false;
      return this.take(token, origin);
    } catch (cause) {
      if (cause instanceof TokenError) throw cause;
      // It was asked for and could not be kept: this process goes on with it, and tries again to keep it.
      if (this.newest && this.isUnkept) return this.take(this.newest, "server");
      const kind = cause instanceof NoPlaceForTokens ? "no place" : "unreachable";
      throw new TokenError(`no token: ${cause instanceof Error ? cause.message : typeof cause}`, kind, this.secrets);
    }
  }

  /** Makes it the token of this process. */
  private take(token: KeptToken, origin: Token["origin"]): Token {
    this.noteSecrets(token);
    this.newest = token;
    this.token = { ...token, origin };
    return this.token;
  }

  private noteSecrets({ access, refresh }: KeptToken): void {
    const all = [access, ...(refresh === undefined ? [] : [refresh]), ...this.tokenSecrets];
    this.tokenSecrets = [...new Set(all)].slice(0, keptSecrets);
  }

  /** Asks the server for a token, by the newest refresh token or by the configured grant. Throws TokenError. */
  private async request(refresh: string | undefined): Promise<KeptToken> {
    const renewal = refresh === undefined ? {} : { refresh_token: refresh };
    const outcome = await sendHttp({
      method: "POST",
      url: this.url,
      headers: { accept: "application/json", "content-type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams({ ...this.grant, ...renewal }).toString(),
      timeoutMs: this.timeoutMs,
    });
    switch (outcome.kind) {
      case "answered":
        return this.read(outcome, refresh);
      case "unsent":
      case "unknown":
        throw new TokenError(`no token: ${outcome.reason}`, "unreachable", this.secrets);
      default:
        return assertNever(outcome);
    }
  }

  private read({ status, headers, body }: HttpAnswer, refresh: string | undefined): KeptToken {
    const answer = fieldsOf(body);
    const { access_token: access, refresh_token: next, expires_in: life, ...fields } = answer;
    if (status >= 300 || access === undefined) {
      const own = [answer["error"], answer["error_description"]].filter((part) => part !== undefined).join(": ");
      // An answer 2xx may hold a token, in a form that we can't read.
      const reason = own === "" && status >= 300 ? bodyWords(body, headers.get("content-type")) : own;
      throw new TokenError(`no token: status ${status}${reason === "" ? "" : `, ${reason}`}`, "refused", this.secrets);
    }
    const missing = this.keep.find((name) => memberOf(fields, name) === undefined);
    if (missing !== undefined)
      throw new TokenError(`no token: the answer has no "${missing}"`, "refused", this.secrets);
    const lifeMs = lifeOf(life);
    const usedUntilMs = performance.now() + Math.max(lifeMs - marginMs, lifeMs / 2);
    return { access, fields, refresh: next ?? refresh, usedUntilMs };
  }
}

/** Returns the life of a token in milliseconds. What is no number says as little as nothing; a negative one says that it is over. */
function lifeOf(seconds: string | undefined): number {
  const lifeMs = Number(seconds || Number.NaN) * 1000;
  return Number.isNaN(lifeMs) ? longestLifeMs : Math.min(longestLifeMs, Math.max(0, lifeMs));
}

/** No token comes in a larger answer. It is in characters, and so few are read at once. */
const longestAnswer = 65_536;

/** Reads the texts and numbers of a JSON object; any other answer has no fields. Throws TokenError when the answer is too large. */
function fieldsOf(pieces: readonly string[]): Readonly<Record<string, string>> {
  if (pieces.reduce((length, piece) => length + piece.length, 0) > longestAnswer)
    throw new TokenError(`no token: the answer has more than ${longestAnswer} characters`, "refused", []);
  try {
    const answer: unknown = JSON.parse(pieces.join(""));
    if (!isRecord(answer)) return {};
    const texts = Object.entries(answer).filter(([, value]) => typeof value === "string" || typeof value === "number");
    return Object.fromEntries(texts.map(([name, value]) => [name, String(value)]));
  } catch {
    return {};
  }
}
