// Where a config comes from: the file throughline.yaml, or an object of a program that embeds Throughline.

import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { parse } from "yaml";
import type { z } from "zod";
import { ConfigError } from "./explained.js";
import { isRecord } from "./json.js";
import { type Prepare, readObject, readYaml } from "./yaml.js";

export interface ConfigSource {
  /** The folder in which the paths of manifests begin. */
  readonly folder: string;
  /** People read the source, so that no secret may stand in it. */
  readonly readByPeople: boolean;
  /** The part `apis`, unchecked: a wrong part is empty here, and `read` says what is wrong with it. */
  readonly apis: Readonly<Record<string, unknown>>;
  /** The config by a schema; `prepare` may replace strings before they are checked. Throws ConfigError with one line for each mistake. */
  read<Schema extends z.ZodType>(schema: Schema, prepare: Prepare): z.output<Schema>;
}

/** The YAML file at `path`. Throws ConfigError when it can't be read. */
export function fileSource(path: string): ConfigSource {
  const text = readText(path);
  return {
    folder: dirname(path),
    readByPeople: true,
    apis: apisOf(parseText(text)),
    read: (schema, prepare) => readYaml(path, text, schema, prepare),
  };
}

/** A value of the file's shape. The caller's code has put its strings there, a secret as well. */
export function objectSource(value: unknown): ConfigSource {
  return {
    folder: process.cwd(),
    readByPeople: false,
    apis: apisOf(value),
    read: (schema, prepare) => readObject("config", value, schema, prepare),
  };
}

function apisOf(value: unknown): Readonly<Record<string, unknown>> {
  const apis = isRecord(value) ? value["apis"] : undefined;
  return isRecord(apis) ? apis : {};
}

function parseText(text: string): unknown {
  try {
    return parse(text);
  } catch {
    // readYaml says what is wrong with it, and where.
    return undefined;
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unreadable";
    throw new ConfigError([`${path}: can't be read (${code}); name the config with -c FILE`]);
  }
}
