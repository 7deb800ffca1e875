// Ids with Stripe's prefixes, the same ones in the same order for the same seed.

import { seededRandom } from "../random.js";

const characters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

export class Ids {
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  next(prefix: string, length: number): string {
    return prefix + Array.from({ length }, () => characters[Math.floor(this.#random() * characters.length)]).join("");
  }

  /** The first part of a customer's invoice numbers. */
  nextInvoicePrefix(): string {
    return this.next("", 8).toUpperCase();
  }
}
