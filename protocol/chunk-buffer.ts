// Bytes that wait: the start of a message whose end has not arrived, or what a held client has sent meanwhile.
// A list of chunks and one copy when they are asked for, so that a large message costs its own length once.

/** A smaller chunk is copied to the one before it: as an object of its own it would cost many times its length. */
const smallBytes = 2 * 1024;
const slabBytes = 16 * 1024;

export class ChunkBuffer {
  private chunks: Buffer[] = [];
  /** Where small chunks are copied to, and how much of it is filled: the last chunk, while `slabFilled` is not 0. */
  private slab: Buffer = Buffer.alloc(0);
  private slabFilled = 0;
  length = 0;

  /** Keeps `bytes` as they are: the caller hands them over. */
  append(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.length += bytes.length;
    // The only chunk stays as it is: most messages end with the next one.
    if (bytes.length >= smallBytes || this.chunks.length === 0) {
      this.chunks.push(bytes);
      this.slabFilled = 0;
    } else this.appendSmall(bytes);
  }

  private appendSmall(bytes: Buffer): void {
    const end = this.slabFilled + bytes.length;
    if (this.slabFilled === 0 || end > slabBytes) {
      this.slab = Buffer.allocUnsafe(slabBytes);
      bytes.copy(this.slab);
      this.slabFilled = bytes.length;
      this.chunks.push(this.slab.subarray(0, bytes.length));
      return;
    }
    bytes.copy(this.slab, this.slabFilled);
    this.slabFilled = end;
    this.chunks[this.chunks.length - 1] = this.slab.subarray(0, end);
  }

  /** Everything kept, in one piece; nothing is kept afterwards. */
  take(): Buffer {
    const [only] = this.chunks;
    const whole = this.chunks.length === 1 && only !== undefined ? only : Buffer.concat(this.chunks, this.length);
    this.chunks = [];
    this.slabFilled = 0;
    this.length = 0;
    return whole;
  }
}
