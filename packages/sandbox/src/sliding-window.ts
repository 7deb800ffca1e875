// A limit of calls in a sliding window of time.

export class SlidingWindow {
  readonly #calls: number;
  readonly #perMs: number;
  readonly #admittedAtMs: number[] = [];

  constructor(calls: number, perMs: number) {
    this.#calls = calls;
    this.#perMs = perMs;
  }

  /** A refused call does not count against the window. */
  admit(atMs: number): boolean {
    const past = this.#admittedAtMs.findIndex((admitted) => admitted > atMs - this.#perMs);
    this.#admittedAtMs.splice(0, past < 0 ? this.#admittedAtMs.length : past);
    if (this.#admittedAtMs.length >= this.#calls) return false;
    this.#admittedAtMs.push(atMs);
    return true;
  }

  get left(): number {
    return this.#calls - this.#admittedAtMs.length;
  }
}
