// The opening of a connection: parameters, protocol versions and requests for encryption, as at Postgres itself.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readFields } from "../../protocol/fields.js";
import { cancelRequest, gssRequest, opener, protocol30, query, sslRequest, startup } from "./build.js";
import { type DirectAndProxied, startDirectAndProxied } from "./direct-and-proxied.js";
import { Raw } from "./raw.js";
import { type Cut, play } from "./session.js";
import { transcript } from "./transcript.js";

interface Opening {
  readonly steps: readonly (Buffer | string)[];
  /** The letters that Postgres answers, with repeated ones once; none: it closes without a word. */
  readonly answers: string;
  /** How many bytes come first that are no messages. */
  readonly singles?: number;
  readonly ended?: boolean;
}

const minor2 = protocol30 + 2;
const minor9999 = protocol30 + 9999;
const user = ["user", "app"] as const;
const ready = "R S K Z";

let both: DirectAndProxied;
let openings: ReadonlyMap<string, Opening>;
beforeAll(async () => {
  both = await startDirectAndProxied();
  openings = new Map(Object.entries(openingsTo(both.stack.database)));
});
afterAll(() => both.close());

const names = Object.keys(openingsTo(""));

describe("P10: a connection that is opened with", () => {
  describe.each([
    ["step by step", "step by step"],
    ["in pieces of 1 byte", 1],
    ["in pieces of 3 bytes", 3],
  ] as const)("%s", (_, cut) => {
    test.concurrent.each(names)("%s", async (name) => {
      const opening = openings.get(name);
      if (!opening) throw new Error(`no opening is called ${name}`);
      const said = await open(both.direct, opening, "step by step");
      expect(letters(said)).toBe(opening.answers);
      expect(await open(both.proxied, opening, cut)).toEqual(said);
      expect(await open(both.asleep, opening, cut)).toEqual(said);
    });
  });
});

function openingsTo(database: string): Readonly<Record<string, Opening>> {
  const whole = startup([user, ["database", database]]);
  const at = (...more: (readonly [string, string])[]) => startup([user, ["database", database], ...more]);
  const session = (packet: Buffer, answers = ready): Opening => ({ steps: [packet, "Z"], answers });
  const closed = (packet: Buffer, answers = ""): Opening => ({ steps: [packet], answers, ended: true });
  const after = (...requests: Buffer[]): Opening => ({
    steps: [...requests.flatMap((request) => [request, "N"]), whole, "Z"],
    answers: `N ${ready}`,
    singles: requests.length,
  });
  return {
    "protocol 3.0": session(whole),
    "protocol 3.0 and its first Query in the same write": {
      steps: [Buffer.concat([whole, query("select 1")]), "Z", "Z"],
      answers: `${ready} T D C Z`,
    },
    "an unknown protocol option": session(startup([user, ["database", database], ["_pq_.what", "1"]]), `v ${ready}`),
    "protocol 3.9999 and two unknown protocol options": session(
      startup([user, ["database", database], ["_pq_.what", "1"], ["_pq_.else", ""]], minor9999),
      `v ${ready}`,
    ),
    "protocol 4.0": closed(startup([user], 4 << 16), "E"),
    "protocol 2.0": closed(startup([user], 2 << 16), "E"),
    "parameters of every kind": session(
      at(
        ["application_name", "café"],
        ["client_encoding", "'utf-8'"],
        ["DateStyle", "German"],
        ["extra_float_digits", "2"],
      ),
    ),
    options: session(at(["options", "-c search_path=a,\\ b --work_mem=5MB -c statement_timeout=60000"])),
    "a parameter given twice": session(at(["application_name", "first"], ["application_name", "last"])),
    "a parameter that does not exist": closed(at(["no_such_parameter", "1"]), "R E"),
    "a value that a parameter can't have": closed(at(["work_mem", "much"]), "R E"),
    "an option that does not exist": closed(at(["options", "--no-such-option=1"]), "R E"),
    "a database that does not exist": closed(startup([user, ["database", "nowhere"]]), "R E"),
    "no database: the user's name is its name": closed(startup([user]), "R E"),
    "an empty database name": closed(startup([user, ["database", ""]]), "R E"),
    "a user that does not exist": closed(
      startup([
        ["user", "nobody"],
        ["database", database],
      ]),
      "R E",
    ),
    "no user": closed(startup([["database", database]]), "E"),
    "no parameters": closed(startup([]), "E"),
    replication: closed(at(["replication", "database"]), "R E"),
    "a packet without its last NUL": closed(opener(protocol30, `user\0app\0database\0${database}\0`), "E"),
    "a packet with bytes behind its end": closed(opener(protocol30, `user\0app\0database\0${database}\0\0x`), "E"),
    "a length of 7": closed(Buffer.from([0, 0, 0, 7, 0, 3, 0])),
    "a length of 10004, the longest that there is": closed(longest(10_004), "E"),
    "a length of 10005": closed(longest(10_005)),
    "an HTTP request": closed(Buffer.from("GET / HTTP/1.1\r\nHost: x\r\n\r\n")),
    SSLRequest: after(sslRequest),
    GSSENCRequest: after(gssRequest),
    "SSLRequest, then GSSENCRequest": after(sslRequest, gssRequest),
    "GSSENCRequest, then SSLRequest": after(gssRequest, sslRequest),
    "an SSLRequest of 12 bytes": after(opener(80877103, "more")),
    "SSLRequest, then a CancelRequest that cancels nothing": {
      steps: [sslRequest, "N", cancelRequest(1, Buffer.alloc(4))],
      answers: "N",
      singles: 1,
      ended: true,
    },
    "a CancelRequest that cancels nothing": closed(cancelRequest(1, Buffer.alloc(4))),
    "a CancelRequest without a key": closed(opener(80877102, Buffer.alloc(4))),
    "its end": { steps: ["FIN"], answers: "", ended: true },
    "half a length, then its end": { steps: [whole.subarray(0, 3), "FIN"], answers: "", ended: true },
    "half a startup packet, then its end": { steps: [whole.subarray(0, 20), "FIN"], answers: "", ended: true },
    "SSLRequest, then its end": { steps: [sslRequest, "N", "FIN"], answers: "N", singles: 1, ended: true },
    "protocol 3.0, then its end": { steps: [whole, "FIN"], answers: ready, ended: true },
  };
}

test("P10: a protocol of a newer minor version is negotiated as Postgres negotiates it", async () => {
  const opening: Opening = {
    steps: [startup([user, ["database", both.stack.database]], minor2), "Z"],
    answers: "",
  };
  const said = await open(both.direct, opening, "step by step");
  expect(letters(said)).toMatch(/^(v )?R S K Z$/);
  expect(await open(both.proxied, opening, "step by step")).toEqual(said);
});

describe("P10: a request for encryption is refused with FATAL and Postgres's own SQLSTATE", () => {
  test.concurrent.each<[string, readonly (Buffer | string)[], number]>([
    ["when SSL is asked for twice", [sslRequest, "N", sslRequest], 1],
    ["when GSS is asked for twice", [gssRequest, "N", gssRequest], 1],
    ["when SSL is asked for again after GSS", [sslRequest, "N", gssRequest, "N", sslRequest], 2],
    [
      "when more came in the same write as SSLRequest: it was never encrypted",
      [concat(sslRequest, startup([user]))],
      1,
    ],
    [
      "when more came in the same write as GSSENCRequest: it was never encrypted",
      [concat(gssRequest, startup([user]))],
      1,
    ],
  ])("%s", async (_, steps, singles) => {
    const [direct, proxied] = await Promise.all(
      [both.direct, both.proxied].map(async (target) => {
        const said = await play(new Raw(target, singles), { steps, ended: true }, "step by step");
        return said.map((bytes) => (bytes.length === 1 ? "N" : readFields(bytes, 0, bytes.length)));
      }),
    );
    const codes = (said: typeof direct) =>
      said?.map((line) => (line instanceof Map ? [line.get("V"), line.get("C")] : line));
    expect(codes(direct)?.at(-1)).toEqual(["FATAL", expect.stringMatching(/^(0A000|08P01)$/)]);
    expect(codes(proxied)).toEqual(codes(direct));
  });
});

async function open(target: DirectAndProxied["direct"], { steps, singles, ended = false }: Opening, cut: Cut) {
  return transcript(await play(new Raw(target, singles), { steps, ended }, cut));
}

/** A startup packet that ends without a NUL. */
function longest(length: number): Buffer {
  return opener(protocol30, "x".repeat(length - 8));
}

function concat(...bytes: readonly Buffer[]): Buffer {
  return Buffer.concat(bytes);
}

function letters(said: readonly string[]): string {
  return said
    .map((line) => line[0])
    .filter((letter, i, all) => letter !== all[i - 1])
    .join(" ");
}
