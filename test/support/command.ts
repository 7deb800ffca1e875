// One command in this process: what it says on which stream, and how it ends. A wrong command line, config or manifest ends it
// with 2 and its sentence, as src/main.ts has it.

import { UsageError } from "../../src/app/usage-error.js";
import type { Command, Options } from "../../src/cli/command.js";
import { ConfigError } from "../../src/config/yaml.js";
import type { Ran } from "./program.js";

export async function runCommand(command: Command, options: Partial<Options>): Promise<Ran> {
  const said = { out: "", err: "" };
  const io = {
    out: (line: string) => {
      said.out += `${line}\n`;
    },
    err: (line: string) => {
      said.err += `${line}\n`;
    },
  };
  try {
    const code = await command({ config: "throughline.yaml", names: [], flags: {}, json: false, ...options }, io);
    return { code, ...said };
  } catch (cause) {
    if (!(cause instanceof UsageError || cause instanceof ConfigError)) throw cause;
    return { code: 2, out: said.out, err: `${said.err}${cause.message}\n` };
  }
}
