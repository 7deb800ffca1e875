// The built program's `serve` in a process of its own, with the meter of turn-meter.mjs inside.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { program } from "../support/program.js";

const meter = fileURLToPath(new URL("turn-meter.mjs", import.meta.url));
/** A process that has not said that it listens by then never will. */
const startTimeoutMs = 60_000;
/** What has not answered by then is in one turn that does not end. */
const answerTimeoutMs = 20_000;
/** As pino numbers its levels. */
const warnLevel = 40;

/** What the main thread spent since it was last asked. */
interface TurnReading {
  readonly cpuMs: number;
  readonly worstTurnMs: number;
  /** How long before the reading the worst turn ended. */
  readonly worstAgoMs: number;
  readonly turns: number;
}

/** What lives in the process after a garbage collection. */
export interface Holdings {
  /** Objects of node:net's Socket, whether or not they are open. */
  readonly sockets: number;
  readonly signals: number;
  /** Listeners of the process itself. */
  readonly listeners: number;
  /** Handles that keep the loop alive, by kind. */
  readonly resources: Readonly<Record<string, number>>;
  readonly memoryBytes: number;
  readonly rssBytes: number;
}

export interface MeteredProgram {
  readonly port: number;
  readonly httpPort: number;
  /** Reads the meter and sets it back. Throws when the program does not answer: it has ended, or is in one turn for 20 s. */
  readMeter(): Promise<TurnReading>;
  /** Looks through the heap first, which takes tens of milliseconds. Throws as `readMeter` does. */
  readHoldings(): Promise<Holdings>;
  /** The sum of a metric over all labels. */
  metric(name: string): Promise<number>;
  /** Lines of its log at level warn and above, and whatever on stderr is no log line: stacks, warnings of Node.js. */
  complaints(): readonly string[];
  /** How the process has ended; undefined: it runs. */
  ended(): string | undefined;
  /** SIGTERM; the milliseconds that it took to end. */
  stop(): Promise<number>;
  kill(): Promise<void>;
}

export async function startMeteredProgram(config: string, env: NodeJS.ProcessEnv): Promise<MeteredProgram> {
  const flags = ["--disable-warning=ExperimentalWarning", "--import", meter];
  const child = spawn(process.execPath, [...flags, program, "serve", "-c", config], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  const exit = once(child, "exit").then(() => process.off("exit", kill));
  const log = new ProgramLog(child);
  const listening = await log.listening;
  const [port, httpPort] = [Number(listening["port"]), Number(listening["http"])];
  const ask = questioner(child, log);
  const stop = async (signal: NodeJS.Signals) => {
    const from = performance.now();
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    await exit;
    return performance.now() - from;
  };
  return {
    port,
    httpPort,
    readMeter: () => ask<TurnReading>("turns"),
    readHoldings: () => ask<Holdings>("holdings"),
    metric: (name) => metricOf(httpPort, name),
    complaints: () => log.complaints,
    ended: () => {
      if (child.exitCode === null && child.signalCode === null) return undefined;
      return `${child.signalCode ?? `exit ${child.exitCode}`}: ${log.complaints.slice(0, 20).join("\n")}`;
    },
    stop: () => stop("SIGTERM"),
    kill: async () => {
      await stop("SIGKILL");
    },
  };
}

/** Its lines are JSON, whatever else is there was not meant to be. */
class ProgramLog {
  readonly complaints: string[] = [];
  readonly listening: Promise<Record<string, unknown>>;
  private text = "";

  constructor(child: ChildProcess) {
    this.listening = new Promise((resolve, reject) => {
      const fail = (why: string) => reject(new Error(`serve ${why}: ${this.complaints.join("\n")}`));
      const timer = setTimeout(() => fail("does not listen"), startTimeoutMs);
      child.once("exit", () => fail("has ended"));
      child.stderr?.setEncoding("utf8").on("data", (text: string) => {
        this.text += text;
        const lines = this.text.split("\n");
        this.text = lines.pop() ?? "";
        for (const line of lines) {
          const said = parsed(line);
          if (!(Number(said["level"]) < warnLevel)) this.complaints.push(line);
          if (said["msg"] !== "listening") continue;
          clearTimeout(timer);
          resolve(said);
        }
      });
    });
  }
}

function parsed(line: string): Record<string, unknown> {
  try {
    return JSON.parse(line);
  } catch {
    return {};
  }
}

type Answered = { readonly id: number };

function questioner(child: ChildProcess, log: ProgramLog) {
  let asked = 0;
  return <Answer>(question: string): Promise<Answer> => {
    asked += 1;
    const id = asked;
    return new Promise((resolve, reject) => {
      const done = () => {
        clearTimeout(timer);
        child.off("message", hear);
        child.off("exit", fail);
      };
      const fail = () => {
        done();
        reject(new Error(`the program does not answer: ${log.complaints.slice(0, 20).join("\n")}`));
      };
      const hear = (answer: Answered & Answer) => {
        if (answer.id !== id) return;
        done();
        resolve(answer);
      };
      const timer = setTimeout(fail, answerTimeoutMs);
      child.on("message", hear);
      child.once("exit", fail);
      if (child.connected) child.send({ id, asked: question }, (error) => error && fail());
      else fail();
    });
  };
}

async function metricOf(httpPort: number, name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${httpPort}/metrics`)).text();
  const lines = text.split("\n").filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
  return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}
