// The thread on which texts are parsed and classified, so that no text of one client holds up the loop that serves the others.

import { parentPort } from "node:worker_threads";
import { assertNever } from "../config/assert-never.js";
import type { Classification, Definition } from "./classification.js";
import { classify } from "./classify.js";
import { type WatchedNames, WatchList } from "./watch-list.js";

export type ThreadRequest =
  /** The names of a proxy, by which its texts are classified from now on; null: that proxy is gone. */
  | { readonly kind: "names"; readonly proxy: number; readonly names: WatchedNames | null }
  | {
      readonly kind: "classify";
      readonly id: number;
      readonly proxy: number;
      readonly text: string;
      /** What the session has defined that the names do not have yet. */
      readonly definitions: readonly Definition[];
    };

export interface ThreadAnswer {
  readonly id: number;
  readonly classification: Classification;
}

const watchLists = new Map<number, WatchList>();

parentPort?.on("message", (request: ThreadRequest) => {
  switch (request.kind) {
    case "names":
      if (request.names) watchLists.set(request.proxy, new WatchList(request.names));
      else watchLists.delete(request.proxy);
      break;
    case "classify":
      void answer(request);
      break;
    default:
      assertNever(request);
  }
});

async function answer({ id, proxy, text, definitions }: Extract<ThreadRequest, { kind: "classify" }>): Promise<void> {
  const names = (watchLists.get(proxy) ?? new WatchList()).with(definitions);
  const answered: ThreadAnswer = { id, classification: await classify(text, names) };
  parentPort?.postMessage(answered);
}
