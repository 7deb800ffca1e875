// The body of an answer as it was sent: JSON, too large to be read, or words for people.

import { assertNever } from "../config/assert-never.js";
import { inSlices } from "../config/slices.js";
import { bodyWords } from "../http/body-words.js";
import type { HttpOutcome } from "../http/client.js";
import { readingJson, upstreamLimits } from "../manifest/lossless-json.js";
import { isBody } from "./errors.js";

interface AnswerBody {
  /** Undefined when there is none, or one that is not JSON or too large. */
  readonly body: unknown;
  /** Why the body can't be read, to go on from "the body …". */
  readonly tooLarge: string | undefined;
  /** What a body says that refuses, or that is no JSON of an API; not clean yet, and empty when it says nothing. */
  readonly words: string;
}

/** Reads the body of an answer. */
export async function readAnswerBody(answer: Extract<HttpOutcome, { kind: "answered" }>): Promise<AnswerBody> {
  const { status, headers, body: pieces } = answer;
  const reading = await inSlices(readingJson(pieces, upstreamLimits));
  const words = () => bodyWords(pieces, headers.get("content-type"));
  switch (reading.kind) {
    case "json": {
      const { value: body } = reading;
      return { body, tooLarge: undefined, words: status < 400 && isBody(body) ? "" : words() };
    }
    case "not JSON":
      return { body: undefined, tooLarge: undefined, words: words() };
    case "too large":
      return { body: undefined, tooLarge: reading.reason, words: "" };
    default:
      return assertNever(reading);
  }
}
