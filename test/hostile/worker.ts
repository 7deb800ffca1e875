// A worker thread that is asked and answers: what must not wait for the test's own work, nor make it wait.

import { Worker } from "node:worker_threads";

export interface AskedWorker {
  /** The worker's first words. */
  readonly first: Readonly<Record<string, unknown>>;
  ask(question: Readonly<Record<string, unknown>>): Promise<Readonly<Record<string, unknown>>>;
  end(): Promise<void>;
}

/** `file`: beside this one. Throws when the worker fails to start. */
export async function startWorker(file: string, workerData: unknown): Promise<AskedWorker> {
  const worker = new Worker(new URL(file, import.meta.url), { workerData });
  const waiting = new Map<number, (answer: Readonly<Record<string, unknown>>) => void>();
  const first = await new Promise<Readonly<Record<string, unknown>>>((resolve, reject) => {
    worker.once("error", reject);
    worker.once("message", resolve);
  });
  worker.on("message", (answer) => {
    waiting.get(answer.id)?.(answer);
    waiting.delete(answer.id);
  });
  let asked = 0;
  return {
    first,
    ask: (question) => {
      asked += 1;
      const id = asked;
      return new Promise((resolve) => {
        waiting.set(id, resolve);
        worker.postMessage({ ...question, id });
      });
    },
    end: async () => {
      await worker.terminate();
    },
  };
}
