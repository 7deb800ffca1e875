// One direction's bytes on their way through a frame reader, with those that have to wait in front of it.

import { ChunkBuffer } from "../../protocol/chunk-buffer.js";
import { FrameReader, type FrameSink, MalformedFrame } from "../../protocol/frames.js";

export class Inflow {
  private readonly reader: FrameReader;
  private readonly chunks = new ChunkBuffer();
  /** A length that can't be: the other side is to judge what follows, byte for byte. */
  private isLost = false;

  constructor(sink: FrameSink) {
    this.reader = new FrameReader(sink);
  }

  /** How many bytes are kept. */
  get length(): number {
    return this.chunks.length;
  }

  /** Adds bytes that are handed over, without reading them. */
  keep(bytes: Buffer): void {
    this.chunks.append(bytes);
  }

  /** Reads what is kept, and returns what is done with. */
  read(): Buffer {
    return this.chunks.length < this.reader.needed ? nothing : this.split(this.chunks.take());
  }

  /** The same with a fresh chunk, which is handed over: read in place when nothing is kept before it. */
  readOwned(chunk: Buffer): Buffer {
    if (this.chunks.length === 0 && !this.isLost) return this.split(chunk);
    this.chunks.append(chunk);
    return this.read();
  }

  /** The same with a chunk whose buffer is read into again: what has to wait is copied, what is done with is not. */
  readShared(chunk: Buffer): Buffer {
    if (this.chunks.length > 0) {
      this.chunks.append(Buffer.from(chunk));
      return this.read();
    }
    const read = this.reader.push(chunk);
    if (read === chunk.length) return chunk;
    this.chunks.append(Buffer.from(chunk.subarray(read)));
    return chunk.subarray(0, read);
  }

  /** Keeps what of `bytes` has to wait, and returns the rest. */
  private split(bytes: Buffer): Buffer {
    const length = this.push(bytes);
    if (length === bytes.length) return bytes;
    this.chunks.append(bytes.subarray(length));
    return bytes.subarray(0, length);
  }

  private push(bytes: Buffer): number {
    if (this.isLost) return bytes.length;
    try {
      return this.reader.push(bytes);
    } catch (cause) {
      if (!(cause instanceof MalformedFrame)) throw cause;
      this.isLost = true;
      return bytes.length;
    }
  }

  /** What is kept, as it is, when nothing more can come. */
  takeKept(): Buffer {
    return this.chunks.take();
  }

  /** Forgets the first `length` kept bytes: a message that has been dealt with. */
  drop(length: number): void {
    this.chunks.append(this.chunks.take().subarray(length));
  }
}

const nothing = Buffer.alloc(0);
