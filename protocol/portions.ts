// A long text as UTF-8 in portions, so that no turn of the loop has to copy, hash or send it as a whole.

export class Portions {
  /** Of all portions. */
  readonly byteLength: number;

  constructor(readonly buffers: readonly Buffer[]) {
    this.byteLength = buffers.reduce((sum, { length }) => sum + length, 0);
  }
}
