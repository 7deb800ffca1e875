// Measured once, a busy machine can make anything look slow: what is wrong is wrong two times of three.

import type { HostileStack } from "./hostile-stack.js";
import type { Neighbours } from "./neighbours.js";

const standsStill = "the program stands still";

/** Runs an attack and returns what is wrong with it and with the neighbours' waits meanwhile; empty: nothing. */
export async function verdict(
  stack: HostileStack,
  neighbours: () => Promise<Neighbours>,
  attack: () => Promise<readonly string[]>,
): Promise<readonly string[]> {
  const once = async (): Promise<readonly string[]> => {
    const others = await neighbours();
    await others.read();
    const complaints = await attack().catch((cause) => [`${standsStill}: ${cause}`]);
    return [...complaints, ...others.complaints(await others.read())];
  };
  const first = await once();
  if (first.length === 0 || isFinal(stack, first)) return first;
  const second = await once();
  return second.length > 0 ? second : once();
}

/** Another run would find no program. */
function isFinal(stack: HostileStack, complaints: readonly string[]): boolean {
  return stack.program.ended() !== undefined || complaints.some((text) => text.startsWith(standsStill));
}
