// Access tokens of OAuth 2 (RFC 6749), kept until they expire; one is asked for at a time.

import { isRecord } from "../config/json.js";
import { sendHttp } from "./client.js";

export interface Token {
  readonly access: string;
  /** All else that is a text in the answer that brought it. */
  readonly kept: Readonly<Record<string, string>>;
  readonly usedUntilMs: number;
}

/** No token came; `sent` is false when the server was not reached. */
export class TokenRefused extends Error {
  constructor(
    message: string,
    readonly sent: boolean,
  ) {
    super(message);
  }
}

/** A token is not used in the last minute of its life, or in the second half of a shorter one. */
const marginMs = 60_000;

export class TokenSource {
  private token: Token | undefined;
  private asking: Promise<Token> | undefined;
  /** Some servers give another refresh token each time, and forget the one before. */
  private refreshToken: string | undefined;

  constructor(
    private readonly url: string,
    private readonly grant: Readonly<Record<string, string>>,
    /** What else an answer must have. */
    private readonly keep: readonly string[],
    private readonly timeoutMs: number,
  ) {}

  /** Throws TokenRefused. */
  async current(): Promise<Token> {
    if (this.token && this.token.usedUntilMs > performance.now()) return this.token;
    this.asking ??= this.ask().finally(() => {
      this.asking = undefined;
    });
    return this.asking;
  }

  /** An API has turned it away. */
  invalidate(token: Token): void {
    if (this.token === token) this.token = undefined;
  }

  private async ask(): Promise<Token> {
    const rotated = this.refreshToken === undefined ? {} : { refresh_token: this.refreshToken };
    const ending = await sendHttp({
      method: "POST",
      url: this.url,
      headers: { accept: "application/json", "content-type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams({ ...this.grant, ...rotated }).toString(),
      timeoutMs: this.timeoutMs,
    });
    if (ending.kind !== "answered") throw new TokenRefused(`no token: ${ending.reason}`, false);
    const answer = fieldsOf(ending.body);
    const { access_token: access, refresh_token: next, expires_in: life, ...kept } = answer;
    if (ending.status >= 300 || access === undefined) {
      const said = [answer["error"], answer["error_description"]].filter((part) => part !== undefined).join(": ");
      throw new TokenRefused(`no token: status ${ending.status}${said === "" ? "" : `, ${said}`}`, true);
    }
    const missing = this.keep.find((name) => kept[name] === undefined);
    if (missing !== undefined) throw new TokenRefused(`no token: the answer has no "${missing}"`, true);
    this.refreshToken = next ?? this.refreshToken;
    const lifeMs = life === undefined ? Number.POSITIVE_INFINITY : Number(life) * 1000;
    this.token = { access, kept, usedUntilMs: performance.now() + Math.max(lifeMs - marginMs, lifeMs / 2) };
    return this.token;
  }
}

function fieldsOf(body: string): Readonly<Record<string, string>> {
  try {
    const answer: unknown = JSON.parse(body);
    if (!isRecord(answer)) return {};
    const texts = Object.entries(answer).filter(([, value]) => typeof value === "string" || typeof value === "number");
    return Object.fromEntries(texts.map(([name, value]) => [name, String(value)]));
  } catch {
    return {};
  }
}
