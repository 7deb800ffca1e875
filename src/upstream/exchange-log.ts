// What the log says of a request: its address too, without secrets, where somebody reads so much (level debug).

import type { CleanText } from "../config/clean-text.js";
import type { Token } from "../http/oauth.js";
import type { Call } from "../manifest/call-schema.js";
import type { Account } from "./account.js";
import { type RequestInput, shownUrl } from "./request.js";

export interface AskedRequest {
  readonly api: string;
  readonly method: Call["method"];
  /** Undefined when the log leaves it out. */
  readonly url: CleanText | undefined;
}

/** Returns what the log says of a request. Its address is composed only for a log that shows it. */
export function askedRequest(account: Account, input: RequestInput, token: Token | undefined): AskedRequest {
  const url = account.log.isLevelEnabled("debug") ? shownUrl(account, input, token) : undefined;
  return { api: account.api, method: input.call.method, url };
}
