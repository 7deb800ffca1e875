// Clocks that can be moved while programs run by them: libfaketime. What lasts so long, lasts so long: the monotonic clock stays.

import { chmodSync, existsSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface FakeClock {
  /** For a program to run by this clock. */
  readonly env: NodeJS.ProcessEnv;
  /** To so much before or behind the real one, such as "-3d". */
  set(offset: string): void;
  remove(): void;
}

/** Throws an Error when libfaketime is not installed. */
export function fakeClock(): FakeClock {
  const library = libfaketime();
  if (library === undefined) throw new Error("libfaketime is not installed: apt-get install faketime");
  const folder = mkdtempSync(join(tmpdir(), "throughline-clock-"));
  // Postgres may run as another user.
  chmodSync(folder, 0o755);
  const file = join(folder, "offset");
  const set = (offset: string) => {
    // Whoever reads it finds the one or the other.
    writeFileSync(`${file}.new`, offset);
    chmodSync(`${file}.new`, 0o644);
    renameSync(`${file}.new`, file);
  };
  set("+0");
  return {
    env: {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
    },
    set,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

export function libfaketime(): string | undefined {
  return readdirSync("/usr/lib")
    .map((folder) => `/usr/lib/${folder}/faketime/libfaketime.so.1`)
    .find((path) => existsSync(path));
}

/** Runs `body` while programs that are started have `env` as well. */
export async function withEnv<T>(env: NodeJS.ProcessEnv, body: () => Promise<T>): Promise<T> {
  const before = Object.keys(env).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, env);
  try {
    return await body();
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}
