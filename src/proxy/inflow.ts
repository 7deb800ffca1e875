// One direction's bytes on their way through a frame reader, with those that have to wait in front of it.

import { ChunkBuffer } from "../../protocol/chunk-buffer.js";
import { FrameReader, type FrameSink, MalformedFrame } from "../../protocol/frames.js";

export class Inflow {
  private readonly reader: FrameReader;
  private readonly kept = new ChunkBuffer();
  /** A length that can't be: the other side is to judge what follows, byte for byte. */
  private lost = false;

  constructor(sink: FrameSink) {
    this.reader = new FrameReader(sink);
  }

  /** Adds bytes that are handed over, without reading them. */
  keep(bytes: Buffer): void {
    this.kept.append(bytes);
  }

  /** Reads what is kept, and returns what is done with. */
  read(): Buffer {
    return this.kept.length < this.reader.needed ? nothing : this.split(this.kept.take());
  }

  /** The same with a fresh chunk, which is handed over: read in place when nothing is kept before it. */
  readOwned(chunk: Buffer): Buffer {
    if (this.kept.length === 0 && !this.lost) return this.split(chunk);
    this.kept.append(chunk);
    return this.read();
  }

  /** The same with a chunk whose buffer is read into again: what has to wait is copied, what is done with is not. */
  readShared(chunk: Buffer): Buffer {
    if (this.kept.length > 0) {
      this.kept.append(Buffer.from(chunk));
      return this.read();
    }
    const read = this.reader.push(chunk);
    if (read === chunk.length) return chunk;
    this.kept.append(Buffer.from(chunk.subarray(read)));
    return chunk.subarray(0, read);
  }

  /** Keeps what of `bytes` has to wait, and returns the rest. */
  private split(bytes: Buffer): Buffer {
    const done = this.push(bytes);
    if (done === bytes.length) return bytes;
    this.kept.append(bytes.subarray(done));
    return bytes.subarray(0, done);
  }

  private push(bytes: Buffer): number {
    if (this.lost) return bytes.length;
    try {
      return this.reader.push(bytes);
    } catch (cause) {
      if (!(cause instanceof MalformedFrame)) throw cause;
      this.lost = true;
      return bytes.length;
    }
  }

  /** What is kept, as it is, when nothing more can come. */
  takeKept(): Buffer {
    return this.kept.take();
  }

  /** Forgets the first `length` kept bytes: a message that has been dealt with. */
  drop(length: number): void {
    this.kept.append(this.kept.take().subarray(length));
  }
}

const nothing = Buffer.alloc(0);
