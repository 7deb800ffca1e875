// HubSpot's limit of calls in a sliding window, and the headers that tell how much of it is left.

import { SlidingWindow } from "../sliding-window.js";
import type { RatePolicy } from "./answer.js";

const dailyLimit = 250_000;

export class RateWindow {
  readonly #calls: number;
  readonly #perMs: number;
  readonly #window: SlidingWindow;
  #today = 0;

  constructor(calls: number, perMs: number) {
    this.#calls = calls;
    this.#perMs = perMs;
    this.#window = new SlidingWindow(calls, perMs);
  }

  admit(atMs: number): boolean {
    const admitted = this.#window.admit(atMs);
    if (admitted) this.#today += 1;
    return admitted;
  }

  /** `exhausted`: the limit that the answer says is used up, whether or not this window has seen it happen. */
  headers(exhausted: RatePolicy | undefined): Readonly<Record<string, string>> {
    const remaining = exhausted === "TEN_SECONDLY_ROLLING" ? 0 : this.#window.left;
    const remainingToday = exhausted === "DAILY" ? 0 : dailyLimit - this.#today;
    return {
      "X-HubSpot-RateLimit-Max": String(this.#calls),
      "X-HubSpot-RateLimit-Remaining": String(remaining),
      "X-HubSpot-RateLimit-Interval-Milliseconds": String(this.#perMs),
      "X-HubSpot-RateLimit-Daily": String(dailyLimit),
      "X-HubSpot-RateLimit-Daily-Remaining": String(remainingToday),
    };
  }
}
