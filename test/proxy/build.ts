// Frontend messages as bytes, malformed ones included: what no driver's serializer writes on demand.

export type Value = string | Buffer | null;

export interface Binding {
  readonly portal?: string;
  readonly statement?: string;
  readonly values?: readonly Value[];
  readonly formats?: readonly number[];
  readonly results?: readonly number[];
}

/** A message of any type with any body. */
export function message(type: string, ...parts: readonly (string | Buffer)[]): Buffer {
  const body = Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part) : part)));
  return Buffer.concat([Buffer.from(type), int32(4 + body.length), body]);
}

export const protocol30 = 3 << 16;

/** The first packet; a parameter may be given twice. */
export function startup(parameters: readonly (readonly [string, string])[], code = protocol30): Buffer {
  return opener(code, `${parameters.map(([name, value]) => `${name}\0${value}\0`).join("")}\0`);
}

/** A packet without a type byte. */
export function opener(code: number, body: string | Buffer = ""): Buffer {
  const bytes = Buffer.from(body);
  return Buffer.concat([int32(8 + bytes.length), int32(code), bytes]);
}

export const sslRequest = opener(80877103);
export const gssRequest = opener(80877104);

export function cancelRequest(processId: number, key: Buffer): Buffer {
  return opener(80877102, Buffer.concat([int32(processId), key]));
}

export function query(text: string): Buffer {
  return message("Q", `${text}\0`);
}

export function parse(text: string, statement = "", types: readonly number[] = []): Buffer {
  return message("P", `${statement}\0${text}\0`, int16(types.length), ...types.map(int32));
}

export function bind({ portal = "", statement = "", values = [], formats = [], results = [] }: Binding = {}): Buffer {
  const names = `${portal}\0${statement}\0`;
  return message("B", names, counted(formats), int16(values.length), ...values.flatMap(valued), counted(results));
}

export function describe(kind: "S" | "P", name = ""): Buffer {
  return message("D", kind, `${name}\0`);
}

export function execute(portal = "", limit = 0): Buffer {
  return message("E", `${portal}\0`, int32(limit));
}

export function close(kind: "S" | "P", name = ""): Buffer {
  return message("C", kind, `${name}\0`);
}

export const flush = message("H");
export const sync = message("S");
export const terminate = message("X");
export const copyDone = message("c");

export function copyData(bytes: string | Buffer): Buffer {
  return message("d", bytes);
}

export function copyFail(reason: string): Buffer {
  return message("f", `${reason}\0`);
}

/** Arguments and result as text. */
export function functionCall(oid: number, ...values: readonly Value[]): Buffer {
  return message("F", int32(oid), int16(0), int16(values.length), ...values.flatMap(valued), int16(0));
}

/** Parse, Bind, Describe, Execute of the unnamed statement; no Sync. */
export function unnamed(text: string, binding: Binding = {}, limit = 0): Buffer {
  return Buffer.concat([parse(text), bind(binding), describe("P"), execute("", limit)]);
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function counted(formats: readonly number[]): Buffer {
  return Buffer.concat([int16(formats.length), ...formats.map(int16)]);
}

function valued(value: Value): Buffer[] {
  if (value === null) return [int32(-1)];
  const bytes = Buffer.from(value);
  return [int32(bytes.length), bytes];
}
