// Walks the messages of one direction in place: integers for state, no object, no slice and no copy per message.
// What a sink wants whole but has not arrived whole is left to the caller, who keeps it and presents it again with more.

import { headerLength } from "./messages.js";

export interface FrameSink {
  /** Whether the message must lie whole in the chunk before `message` is called for it. */
  wantsWhole(type: number, length: number): boolean;
  /**
   * One message; `start` is its type byte, `end` one past its last byte, beyond the chunk if it streams on.
   * False stops the reader in front of this message.
   */
  message(type: number, chunk: Buffer, start: number, end: number): boolean;
}

/** A length that no peer may send: the stream can't be followed any further. */
export class MalformedFrame extends Error {}

export class FrameReader {
  /** Bytes still to come of a message that has been announced already. */
  private rest = 0;
  /** How many bytes the next push must hold to get anywhere. */
  needed = headerLength;

  constructor(private readonly sink: FrameSink) {}

  /** Reads from `chunk` and returns how many bytes are done with. The chunk is not kept. */
  push(chunk: Buffer): number {
    const size = chunk.length;
    let at = Math.min(this.rest, size);
    this.rest -= at;
    while (size - at >= headerLength) {
      const type = chunk[at] ?? 0;
      const length =
        ((chunk[at + 1] ?? 0) << 24) |
        ((chunk[at + 2] ?? 0) << 16) |
        ((chunk[at + 3] ?? 0) << 8) |
        (chunk[at + 4] ?? 0);
      if (length < 4) throw new MalformedFrame(`message of type ${type} claims ${length} bytes`);
      const end = at + 1 + length;
      if (end > size && this.sink.wantsWhole(type, length)) {
        this.needed = 1 + length;
        return at;
      }
      if (!this.sink.message(type, chunk, at, end)) {
        this.needed = headerLength;
        return at;
      }
      if (end > size) {
        this.rest = end - size;
        this.needed = 1;
        return size;
      }
      at = end;
    }
    this.needed = this.rest > 0 ? 1 : headerLength;
    return at;
  }
}
