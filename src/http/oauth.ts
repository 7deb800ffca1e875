// Access tokens of OAuth 2 (RFC 6749), kept until they expire; one is asked for at a time.

import { assertNever } from "../config/assert-never.js";
import { cleanText, textLimits } from "../config/clean-text.js";
import { isRecord } from "../config/json.js";
import { memberOf } from "../config/member.js";
import { sendHttp } from "./client.js";

export interface Token {
  readonly access: string;
  /** The other texts and numbers of the answer that brought the token. */
  readonly fields: Readonly<Record<string, string>>;
  readonly usedUntilMs: number;
}

/** The server gave no token; `isAnswered` is false when no answer of the server came. Its message is clean and shows no secret. */
export class TokenError extends Error {
  constructor(
    message: string,
    readonly isAnswered: boolean,
    secrets: readonly string[],
  ) {
    super(cleanText(message, textLimits.sentence, secrets));
  }
}

/** A token is not used in the last minute of its life, or in the second half of a shorter one. */
const marginMs = 60_000;
/** After a day another token is asked for, however long the server says that this one lives. */
const longestLifeMs = 86_400_000;
/** How many tokens are kept as secrets: an answer may speak of the one before. */
const keptSecrets = 6;

export class TokenSource {
  private token: Token | undefined;
  private asking: Promise<Token> | undefined;
  /** Some servers replace the refresh token with each answer, and forget the previous one. */
  private refreshToken: string | undefined;
  private tokenSecrets: readonly string[] = [];

  constructor(
    private readonly url: string,
    private readonly grant: Readonly<Record<string, string>>,
    /** The names of the fields that an answer needs besides the token. */
    private readonly keep: readonly string[],
    private readonly timeoutMs: number,
    /** The secrets of the grant, which no error may show. */
    private readonly grantSecrets: readonly string[],
  ) {}

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
    if (this.token === token) this.token = undefined;
  }

  private async ask(): Promise<Token> {
    const renewal = this.refreshToken === undefined ? {} : { refresh_token: this.refreshToken };
    const outcome = await sendHttp({
      method: "POST",
      url: this.url,
      headers: { accept: "application/json", "content-type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams({ ...this.grant, ...renewal }).toString(),
      timeoutMs: this.timeoutMs,
    });
    switch (outcome.kind) {
      case "answered":
        this.token = this.read(outcome.status, fieldsOf(outcome.body));
        return this.token;
      case "unsent":
      case "unknown":
        throw new TokenError(`no token: ${outcome.reason}`, false, this.secrets);
      default:
        return assertNever(outcome);
    }
  }

  private read(status: number, answer: Readonly<Record<string, string>>): Token {
    const { access_token: access, refresh_token: next, expires_in: life, ...fields } = answer;
    if (status >= 300 || access === undefined) {
      const reason = [answer["error"], answer["error_description"]].filter((part) => part !== undefined).join(": ");
      throw new TokenError(`no token: status ${status}${reason === "" ? "" : `, ${reason}`}`, true, this.secrets);
    }
    const missing = this.keep.find((name) => memberOf(fields, name) === undefined);
    if (missing !== undefined) throw new TokenError(`no token: the answer has no "${missing}"`, true, this.secrets);
    this.refreshToken = next ?? this.refreshToken;
    this.tokenSecrets = [access, ...(next === undefined ? [] : [next]), ...this.tokenSecrets].slice(0, keptSecrets);
    const lifeMs = lifeOf(life);
    return { access, fields, usedUntilMs: performance.now() + Math.max(lifeMs - marginMs, lifeMs / 2) };
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
    throw new TokenError(`no token: the answer has more than ${longestAnswer} characters`, true, []);
  try {
    const answer: unknown = JSON.parse(pieces.join(""));
    if (!isRecord(answer)) return {};
    const texts = Object.entries(answer).filter(([, value]) => typeof value === "string" || typeof value === "number");
    return Object.fromEntries(texts.map(([name, value]) => [name, String(value)]));
  } catch {
    return {};
  }
}
