// The refusals of a request that are ours: it was not sent, or its answer can't be followed.

import { defineError } from "../postgres/error-catalogue.js";

export const unfitKey = defineError(
  "22023",
  {
    means: "A key would not fit into the address of a request: it is empty, or one of the names that lead elsewhere.",
    sent: "nothing",
    remedy: "Look at the key that the statement names.",
  },
  (part: string) => ({ message: `"${part}" has no place in the path of a request`, hint: "Nothing was sent." }),
);

export const nothingFillsIn = defineError(
  "22023",
  {
    means:
      "A call of the manifest names a value that the statement does not give, such as a column that stands in its path.",
    sent: "nothing",
    remedy: "Give the column a value, or mend the placeholder in the manifest.",
  },
  (placeholder: string) => {
    const column = /^(?:row|key)\.(.+)/.exec(placeholder)?.[1];
    const remedy = column === undefined ? "Mend the placeholder in the manifest." : `Give "${column}" a value.`;
    return {
      message: `the request needs {${placeholder}}, which has no value here`,
      hint: `Nothing was sent. ${remedy}`,
    };
  },
);

export const tokenRefused = defineError(
  "28000",
  {
    means: "The API gives no access token for the credentials (OAuth 2).",
    sent: "nothing",
    remedy: "Renew the credentials of this API; `throughline check` tries them.",
  },
  (api: string, words: string) => ({ message: words, hint: `Nothing was sent. Check the credentials of "${api}".` }),
);

export const noPlaceForToken = defineError(
  "55000",
  {
    means: "A refresh token (OAuth 2) may be good for a single use, and the place for the next one is not there yet.",
    sent: "nothing",
    remedy: "Run `throughline migrate`, which makes it.",
  },
  (api: string, words: string) => ({
    message: `${api}: ${words}`,
    hint: "Nothing was sent, and no token was used up.",
  }),
);

export const entryClosed = defineError(
  "40001",
  {
    means: "Somebody closed the journal entry while the call waited for the rate limit, or the table was migrated.",
    sent: "nothing",
    remedy: "Run the transaction again.",
  },
  () => ({
    message: "the call was closed by somebody else while it waited",
    hint: "Nothing was sent. Run the statement again.",
  }),
);

export const rateLimitUsedUp = defineError(
  "53400",
  {
    means:
      "The rate limit is used up, and the wait would be longer than `wait` of the API or the statement's time-out.",
    sent: "nothing",
    remedy: "Repeat it after the time that the hint names.",
  },
  (api: string, waitMs: number, pauseMs: number) => ({
    message: `the rate limit of ${api} is used up, and a statement waits at most ${waitMs / 1000} s for it`,
    hint: `Nothing was changed. Retry after ${Math.ceil(pauseMs / 1000)} s.`,
  }),
);

export const requestTooLong = defineError(
  "54000",
  {
    means: "The request would be larger than the API takes.",
    sent: "nothing",
    remedy: "Write fewer rows per statement.",
  },
  (api: string, bytes: number, limit: number) => ({
    message: `the request would have ${bytes} bytes, and ${api} takes at most ${limit}`,
    hint: "Nothing was sent. Write fewer rows per statement.",
  }),
);

export const cancelled = defineError(
  "57014",
  {
    means: "A cancel request came while the statement waited for the rate limit.",
    sent: "nothing",
    remedy: "Repeat it if it is still wanted. A cancel that comes after the call has gone out is TL007.",
  },
  () => ({ message: "canceling statement due to user request" }),
);

export const redirected = defineError(
  "HV000",
  {
    means: "The API leads the request to where it can't be followed.",
    sent: "refused",
    remedy: "If the API has moved, set `base` to the address that it has now.",
  },
  (status: number) => ({
    message: `the request was redirected (status ${status}) to where it can't be followed`,
    hint: 'Nothing was changed. Set "base" to the address that the API has now.',
  }),
);

export const unreachable = defineError(
  "HV00N",
  {
    means: "The API can't be reached: no address, no connection, or no valid certificate.",
    sent: "nothing",
    remedy: "Repeat it when the API is there.",
  },
  (api: string, reason: string) => ({
    message: `${api} is unreachable (${reason})`,
    hint: "Nothing was sent; the statement can be repeated.",
  }),
);

export const tokenUnreachable = defineError(
  "HV00N",
  {
    means: "The server that gives out access tokens (OAuth 2) can't be reached.",
    sent: "nothing",
    remedy: "Repeat it when the server is there; `throughline check` tries the credentials.",
  },
  (api: string, reason: string) => ({
    message: `${api} is unreachable (${reason})`,
    hint: `Nothing was sent. Check the credentials of "${api}".`,
  }),
);
