// The objects of one kind, in the order of their creation. A deleted one keeps its place, so that a page can begin there.

import type { JsonObject } from "./json.js";

export interface Stored {
  readonly id: string;
  /** Whole; of a deleted one, as it was last. */
  readonly object: JsonObject;
  readonly deleted: boolean;
}

export class ObjectTable {
  readonly #stored = new Map<string, Stored>();

  /** Oldest first, deleted ones among them. */
  all(): readonly Stored[] {
    return [...this.#stored.values()];
  }

  find(id: string): Stored | undefined {
    return this.#stored.get(id);
  }

  live(id: string): JsonObject | undefined {
    const stored = this.#stored.get(id);
    return stored?.deleted === false ? stored.object : undefined;
  }

  /** An id that was deleted and comes again is a new object. */
  create(id: string, object: JsonObject): void {
    this.#stored.delete(id);
    this.#stored.set(id, { id, object, deleted: false });
  }

  update(id: string, object: JsonObject): void {
    this.#stored.set(id, { id, object, deleted: false });
  }

  delete(id: string, object: JsonObject): void {
    this.#stored.set(id, { id, object, deleted: true });
  }
}
