// Bytes that wait: the start of a message whose end has not arrived, or what a held client has sent meanwhile.
// A list of chunks and one copy when they are asked for, so that a large message costs its own length once.

export class ChunkBuffer {
  private chunks: Buffer[] = [];
  length = 0;

  /** Keeps `bytes` as they are: the caller hands them over. */
  append(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.chunks.push(bytes);
    this.length += bytes.length;
  }

  /** Everything kept, in one piece; nothing is kept afterwards. */
  take(): Buffer {
    const [only] = this.chunks;
    const whole = this.chunks.length === 1 && only !== undefined ? only : Buffer.concat(this.chunks, this.length);
    this.chunks = [];
    this.length = 0;
    return whole;
  }
}
