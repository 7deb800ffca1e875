// The envelope of every batch that answers anything: results in no particular order, and the errors beside them.

import type { Answer } from "./answer.js";
import type { Portal } from "./portal.js";
import type { BatchError } from "./refusal.js";
import type { ApiRequest } from "./request.js";

export function batchAnswer(
  { portal, request }: { readonly portal: Portal; readonly request: ApiRequest },
  status: number,
  results: readonly object[],
  errors: readonly BatchError[],
): Answer {
  const at = new Date(request.atMs).toISOString();
  return {
    status: errors.length > 0 ? 207 : status,
    body: {
      status: "COMPLETE",
      results: portal.shuffle(results),
      ...(errors.length > 0 ? { numErrors: errors.length, errors } : {}),
      startedAt: at,
      completedAt: at,
    },
  };
}
