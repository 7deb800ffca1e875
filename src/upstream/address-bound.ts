// How long the address of a read may be. Servers differ, and most tell nobody: what nearly all take is the bound, until one refuses less. A read
// whose address would be longer is split, by its keys or by its columns.

import type { Call } from "../manifest/call-schema.js";
import { ReadFailed } from "../manifest/read-failed.js";

/** The usual bound of a request's first line is 8 kB, the method and the version of HTTP included. */
const usualLength = 8_000;

/** URI too long (RFC 9110), and a first line or header fields too large (RFC 6585). */
const tooLongStatuses: readonly (number | null)[] = [414, 431];

export class AddressBound {
  private longest = usualLength;

  /** Returns whether an address of so many characters is worth a try. */
  takes(length: number): boolean {
    return length <= this.longest;
  }

  /** Notes that an address of so many characters was refused as too long. */
  refuse(length: number): void {
    this.longest = Math.min(this.longest, length - 1);
  }
}

/** Returns whether an answer with this status says that the address was too long. */
export function isTooLong(status: number | null): boolean {
  return tooLongStatuses.includes(status);
}

/** Returns whether reading failed because the address was too long. */
export function failedByAddress(cause: unknown): boolean {
  return cause instanceof ReadFailed && isTooLong(cause.answer?.status ?? null);
}

/** Returns whether the address of a call names all columns, so that it grows with them. */
export function namesColumns({ path, query }: Pick<Call, "path" | "query">): boolean {
  return JSON.stringify([path, query]).includes("{columns}");
}

/** Returns whether the address of a call names all of its keys. */
export function namesKeys({ path, query }: Pick<Call, "path" | "query">): boolean {
  return JSON.stringify([path, query]).includes("{keys}");
}
