// What the sessions of a role have defined a moment ago: its other sessions find it at once, and those of other roles with the next look
// at the catalogue. What a trusted role defines, every session finds at once.

import { type Definition, mostDefinitions } from "./classification.js";

/** By then the catalogue has been looked at, even after a long transaction. */
const sharedMs = 60_000;

interface Shared {
  readonly definition: Definition;
  readonly untilMs: number;
}

export class SharedDefinitions {
  /** Grows with each definition. */
  version = 0;
  private readonly byRole = new Map<string, readonly Shared[]>();

  add(role: string, definitions: readonly Definition[]): void {
    const now = performance.now();
    const additions = definitions.map((definition) => ({ definition, untilMs: now + sharedMs }));
    this.byRole.set(role, [...this.current(role, now), ...additions].slice(-mostDefinitions));
    this.version += 1;
  }

  /** Returns what the sessions of `role` find. */
  of(role: string, trusted: Iterable<string>): readonly Definition[] {
    const now = performance.now();
    const roles = new Set([role, ...trusted]);
    return [...roles].flatMap((one) => this.current(one, now).map(({ definition }) => definition));
  }

  private current(role: string, now: number): readonly Shared[] {
    return (this.byRole.get(role) ?? []).filter(({ untilMs }) => untilMs > now);
  }
}
