// What the sessions of a role have defined a moment ago: its other sessions find it at once. What a trusted role defines, every session
// finds at once; what another one defines in a schema that it names, by that schema.

import { type Definition, mostDefinitions } from "./classification.js";
import type { WatchList } from "./watch-list.js";
import { WordIndex, WordKind, type WordKinds } from "./word-index.js";

/** By then the catalogue has been looked at, even after a long transaction. */
const sharedMs = 60_000;
/** So many names of a role may cost the sessions of others something. */
const mostFar = 20;

interface Shared {
  readonly definition: Definition;
  readonly untilMs: number;
}

interface Far {
  readonly definitions: readonly Definition[];
  readonly index: WordIndex;
  readonly versions: string;
  readonly untilMs: number;
}

export class SharedDefinitions {
  /** Grows with each definition. */
  version = 0;
  private readonly byRole = new Map<string, readonly Shared[]>();
  private far: Far | undefined;

  constructor(private readonly watchList: WatchList) {}

  add(role: string, definitions: readonly Definition[]): void {
    const now = performance.now();
    const additions = definitions.map((definition) => ({ definition, untilMs: now + sharedMs }));
    this.byRole.set(role, [...this.current(role, now), ...additions].slice(-mostDefinitions));
    this.version += 1;
  }

  /** Returns what the sessions of `role` find by name alone. */
  of(role: string, trusted: Iterable<string>): readonly Definition[] {
    const now = performance.now();
    const roles = new Set([role, ...trusted]);
    return [...roles].flatMap((one) => this.current(one, now).map(({ definition }) => definition));
  }

  /** Returns the kinds of the words of a text, of those that lead to what a role has defined in a schema. */
  wordsIn(bytes: Buffer): WordKinds {
    return this.farNow()?.index.scan(bytes) ?? 0;
  }

  /** Returns what a text with such words may mean. */
  farIn(bytes: Buffer): readonly Definition[] {
    const far = this.farNow();
    return far && (far.index.scan(bytes) & (WordKind.farTable | WordKind.farFunction)) !== 0 ? far.definitions : [];
  }

  private farNow(): Far | undefined {
    if (this.byRole.size === 0) return undefined;
    const now = performance.now();
    const versions = `${this.version} ${this.watchList.version}`;
    if (this.far?.versions !== versions || this.far.untilMs < now) this.far = this.readFar(versions, now);
    return this.far.definitions.length === 0 ? undefined : this.far;
  }

  private readFar(versions: string, now: number): Far {
    const far = [...this.byRole.keys()].flatMap((role) =>
      this.current(role, now)
        .filter(({ definition }) => definition.schema !== null && !this.watchList.isDefined(definition))
        .slice(-mostFar),
    );
    const names = far.flatMap(({ definition: { kind, name, schema } }) => [
      [name, kind === "table" ? WordKind.farTable : WordKind.farFunction] as const,
      [schema ?? "", WordKind.farSchema] as const,
    ]);
    return {
      definitions: far.map(({ definition }) => definition),
      index: new WordIndex(names),
      versions,
      untilMs: Math.min(...far.map(({ untilMs }) => untilMs)),
    };
  }

  private current(role: string, now: number): readonly Shared[] {
    return (this.byRole.get(role) ?? []).filter(({ untilMs }) => untilMs > now);
  }
}
