// What the bytes of one client cost: CPU of the program's main thread, and what was exchanged with Postgres; and what its client heard.

import { query, startup } from "../proxy/build.js";
import { HostileClient } from "./hostile-client.js";
import type { HostileStack } from "./hostile-stack.js";

export interface Cost {
  readonly bytes: number;
  /** Without what the program spends at rest. */
  readonly cpuMs: number;
  readonly worstTurnMs: number;
  readonly exchangedBytes: number;
  /** What is wrong with how the client was treated; undefined: nothing. */
  readonly mistreatment: string | undefined;
}

/** Per second of the clock, at rest. */
export type RestCpuMs = number;

/** The longest turn of the program's loop, in milliseconds of its own CPU. */
export const longestTurnMs = 50;
/** For an answer to whatever was sent. */
const patienceMs = 30_000;
/** Twice the bytes cost twice as much; what is more is the measurement's. Bytes are counted, and CPU is measured. */
const byteGrowth = 1.2;
const cpuGrowth = 1.7;
const slackMs = 60;
const slackBytes = 64 << 10;

/** It has an answer of its own kind, NotificationResponse; the first Query ends whatever transaction or COPY there is. */
const marker = Buffer.concat([query("rollback"), query("listen the_end"), query("notify the_end")]);
const notification = "A";

/** Sends the bytes in one piece behind a login. Throws when the program does not answer any more. */
export async function costOfSession(stack: HostileStack, bytes: Buffer, rest: RestCpuMs): Promise<Cost> {
  const client = new HostileClient(stack.program.port);
  client.send(opening("eve", stack.database));
  await client.untilReady(1, patienceMs);
  const cost = await measured(stack, bytes, rest, async () => {
    client.send(bytes, marker);
    const isAnswered = await client.until(() => client.heard.has(notification), patienceMs);
    if (!isAnswered) return `it had no answer within ${patienceMs / 1000} s`;
    return client.heard.has(notification) || client.errors.length > 0 ? undefined : "its session ended without a word";
  });
  client.socket.destroy();
  return cost;
}

/** Sends the bytes behind the startup packet, in one piece with it, as a role whose password is not known. Throws as `costOfSession` does. */
export async function costOfStranger(stack: HostileStack, bytes: Buffer, rest: RestCpuMs): Promise<Cost> {
  const client = new HostileClient(stack.program.port);
  const cost = await measured(stack, bytes, rest, async () => {
    client.send(Buffer.concat([opening("locked", stack.database), bytes]));
    const isEnded = await client.until(() => client.ended, patienceMs);
    return isEnded ? undefined : `a stranger was kept for ${patienceMs / 1000} s`;
  });
  client.socket.destroy();
  return cost;
}

/** The CPU that the program spends at rest, neighbours included. */
export async function restCpu(stack: HostileStack, restMs: () => Promise<unknown>): Promise<RestCpuMs> {
  await stack.program.readMeter();
  const fromMs = performance.now();
  await restMs();
  return (await stack.program.readMeter()).cpuMs / ((performance.now() - fromMs) / 1000);
}

/** What is wrong with costs of the same thing at growing sizes; empty: nothing. */
export function costComplaints(costs: readonly Cost[]): string[] {
  return costs.flatMap((cost, index) => {
    const before = costs[index - 1];
    const size = `${Math.round(cost.bytes / 1024)} kB`;
    const complaints: string[] = [];
    if (cost.mistreatment !== undefined) complaints.push(`${size}: ${cost.mistreatment}`);
    if (cost.worstTurnMs > longestTurnMs)
      complaints.push(`${size}: a turn took ${Math.round(cost.worstTurnMs)} ms of CPU`);
    if (!before) return complaints;
    const times = cost.bytes / before.bytes;
    const told = (unit: string, less: number, more: number) =>
      `${size} cost ${Math.round(more)} ${unit}, ${Math.round(before.bytes / 1024)} kB cost ${Math.round(less)}`;
    if (cost.cpuMs > cpuGrowth * times * before.cpuMs + slackMs)
      complaints.push(told("ms of CPU", before.cpuMs, cost.cpuMs));
    if (cost.exchangedBytes > byteGrowth * times * before.exchangedBytes + slackBytes)
      complaints.push(told("bytes exchanged", before.exchangedBytes, cost.exchangedBytes));
    return complaints;
  });
}

async function measured(
  stack: HostileStack,
  bytes: Buffer,
  rest: RestCpuMs,
  run: () => Promise<string | undefined>,
): Promise<Cost> {
  const exchanged = async () => {
    const { sentBytes, receivedBytes } = await stack.exchangeOf("eve");
    return sentBytes + receivedBytes;
  };
  const exchangedBefore = await exchanged();
  await stack.program.readMeter();
  const fromMs = performance.now();
  const mistreatment = await run();
  const { cpuMs, worstTurnMs } = await stack.program.readMeter();
  const restMs = (rest * (performance.now() - fromMs)) / 1000;
  return {
    bytes: bytes.length,
    cpuMs: Math.max(0, cpuMs - restMs),
    worstTurnMs,
    exchangedBytes: (await exchanged()) - exchangedBefore,
    mistreatment,
  };
}

function opening(user: string, database: string): Buffer {
  return startup([
    ["user", user],
    ["database", database],
  ]);
}
