// COPY … FROM STDIN into a mirror: its rows are collected while the client is held, because the statement runs twice.

import { serialize } from "pg-protocol";
import { ChunkBuffer } from "../../protocol/chunk-buffer.js";
import { Frontend } from "../../protocol/messages.js";

/** `long`: more than is kept. `lost`: the client is gone, or sends what has no place here. */
export type CopyCollection = "done" | "failed" | "long" | "lost";

/** No call takes as much. */
const mostBytes = 16 * 1024 * 1024;

export class CopyIn {
  private readonly frames = new ChunkBuffer();
  private resolve: (collected: CopyCollection) => void = () => undefined;
  over = false;
  /** Then the rest is read, as Postgres does after an error, and forgotten. */
  private tooLong = false;
  readonly collection = new Promise<CopyCollection>((resolve) => {
    this.resolve = resolve;
  });

  /** Whether a message of this length is kept. */
  keeps(length: number): boolean {
    return !this.tooLong && this.frames.length + length <= mostBytes;
  }

  /** A message of the client's, whole if it is kept. False: it comes after the end. */
  message(type: number, chunk: Buffer, start: number, end: number): boolean {
    if (this.over) return false;
    switch (type) {
      case Frontend.copyData:
        if (end <= chunk.length && this.keeps(end - start)) this.keep(chunk, start, end);
        else this.giveUp();
        return true;
      case Frontend.copyFail:
        // Rows that are given up are nobody's business.
        this.frames.take();
        this.keep(chunk, start, end);
        this.end("failed");
        return true;
      case Frontend.copyDone:
        this.keep(chunk, start, end);
        this.end(this.tooLong ? "long" : "done");
        return true;
      // Postgres ignores these among the rows.
      case Frontend.flush:
      case Frontend.sync:
        return true;
      default:
        this.end("lost");
        return false;
    }
  }

  end(collected: CopyCollection): void {
    this.over = true;
    this.resolve(collected);
  }

  /** What the client has sent, its CopyDone included, verbatim; of a COPY that it gave up, only the CopyFail. To be called once. */
  bytes(): Buffer {
    return this.frames.take();
  }

  /** How many bytes are kept. */
  get length(): number {
    return this.frames.length;
  }

  private giveUp(): void {
    this.tooLong = true;
    this.frames.take();
  }

  private keep(chunk: Buffer, start: number, end: number): void {
    this.frames.append(Buffer.from(chunk.subarray(start, end)));
  }
}

/** A COPY of no rows. */
export function noRows(format: "text" | "binary"): Buffer {
  const copyDone = serialize.copyDone();
  return format === "text" ? copyDone : Buffer.concat([serialize.copyData(noBinaryRows), copyDone]);
}

/** Signature, flags, an empty header extension, trailer (manual, COPY: "Binary Format"). */
const noBinaryRows = Buffer.from("PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0\xff\xff", "latin1");
