// What a client's session may carry and not read: a JSON text under a stream of the proxy's key. install/2-signing.sql has the other half.

import { createHash, randomBytes } from "node:crypto";
import { Portions } from "../../protocol/portions.js";
import type { Slices } from "../config/slices.js";

const nonceLength = 32;
/** The length of a text shows in steps of this, in bytes. */
const lengthStep = 256;
/** How many bytes are worked on at a time: whole groups of base64, which has four characters for three bytes. */
const portionLength = 3 * 4_096;

/** Returns base64: a nonce, and the text under its stream, with spaces behind it. */
export function* sealing(key: Buffer, text: Portions): Slices<Portions> {
  const nonce = randomBytes(nonceLength);
  const stream = new Stream(key, nonce);
  const spaces = Buffer.alloc((lengthStep - (text.byteLength % lengthStep)) % lengthStep, " ");
  const sealed: Buffer[] = [];
  let waiting: Buffer = nonce;
  for (const buffer of [...text.buffers, spaces]) {
    for (let at = 0; at < buffer.length; at += portionLength) {
      yield;
      const bytes = Buffer.concat([waiting, stream.under(buffer.subarray(at, at + portionLength))]);
      const whole = bytes.length - (bytes.length % 3);
      sealed.push(Buffer.from(bytes.toString("base64", 0, whole), "latin1"));
      waiting = bytes.subarray(whole);
    }
  }
  sealed.push(Buffer.from(waiting.toString("base64"), "latin1"));
  return new Portions(sealed);
}

/** Returns the text again, with its spaces. */
export function* opening(key: Buffer, sealed: string): Slices<string> {
  const charactersLength = (portionLength / 3) * 4;
  const pieces: Buffer[] = [];
  let stream: Stream | undefined;
  for (let at = 0; at < sealed.length; at += charactersLength) {
    yield;
    let bytes = Buffer.from(sealed.slice(at, at + charactersLength), "base64");
    if (!stream) {
      stream = new Stream(key, bytes.subarray(0, nonceLength));
      bytes = bytes.subarray(nonceLength);
    }
    pieces.push(stream.under(bytes));
  }
  return Buffer.concat(pieces).toString("utf8");
}

/** sha256(k‖0), sha256(k‖1), …, of which no byte serves twice. */
class Stream {
  private readonly key: Buffer;
  private block = Buffer.alloc(0);
  /** How many blocks there were, and how many bytes of the last one have served. */
  private count = 0;
  private used = 0;

  constructor(key: Buffer, nonce: Buffer) {
    const inner = createHash("sha256").update(key).update(nonce).update("seal").digest();
    this.key = createHash("sha256").update(key).update(inner).digest();
  }

  /** The bytes with the next part of the stream put on them, or taken off. */
  under(bytes: Buffer): Buffer {
    return Buffer.from(bytes.map((byte) => byte ^ this.next()));
  }

  private next(): number {
    if (this.used === this.block.length) {
      const place = Buffer.alloc(4);
      place.writeInt32BE(this.count);
      this.block = createHash("sha256").update(this.key).update(place).digest();
      this.count += 1;
      this.used = 0;
    }
    this.used += 1;
    return this.block[this.used - 1] ?? 0;
  }
}
