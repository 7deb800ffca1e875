// How one session's texts are looked at: first for the words in them, which is cheap, and only then for their meaning.

import { type Classification, type Definition, mostDefinitions } from "./classification.js";
import type { Classifier } from "./classifier.js";
import type { SqlText } from "./sql-text.js";
import { isSuspect, type WatchList } from "./watch-list.js";
import { WordIndex, WordKind } from "./word-index.js";

/** What a session's names are found by from the start. */
export interface SessionStart {
  readonly role: string;
  /** The startup packet may set search_path. */
  readonly movesSearchPath: boolean;
}

export interface Words {
  /** The text is worth parsing. */
  readonly suspect: boolean;
  /** It may run what was prepared, or give its name to something else. */
  readonly executes: boolean;
}

const noWords: Words = { suspect: false, executes: false };

export class Lookout {
  /** The session may look for names in any schema. */
  private everywhere: boolean;
  /** The version of the names by which `everywhere` was told. */
  private version = 0;
  private sharedVersion = 0;
  /** By kind and name. */
  private readonly definitions = new Map<string, Definition>();
  private ownIndex: WordIndex | undefined;

  private readonly watchList: WatchList;

  constructor(
    private readonly classifier: Classifier,
    private readonly start: SessionStart,
    /** Called when a text defines names that the catalogue will have. */
    private readonly onDefinition: () => void,
  ) {
    this.watchList = classifier.watchList;
    this.everywhere = start.movesSearchPath;
    this.keepUp();
  }

  /** False while there is no mirror, and then no text is looked at. */
  get awake(): boolean {
    return this.watchList.awake;
  }

  /** Returns what the words of a text say. */
  read(bytes: Buffer): Words {
    if (!this.awake) return noWords;
    this.keepUp();
    const shared = this.classifier.shared.wordsIn(bytes);
    const all = this.watchList.wordsIn(bytes) | (this.ownIndex?.scan(bytes) ?? 0) | shared;
    if ((all & WordKind.searchPath) !== 0) this.everywhere = true;
    const executes = (all & (WordKind.execute | WordKind.prepare)) !== 0;
    return { suspect: isSuspect(all, this.everywhere), executes };
  }

  /** Returns what a text means, if that was found out before. */
  known(text: SqlText): Classification | undefined {
    return this.definitionsFor(text).length > 0 ? undefined : this.classifier.known(text);
  }

  /** Returns what a text means. What it defines is watched for this session from now on. */
  async classify(text: SqlText): Promise<Classification> {
    const classification = await this.classifier.classify(text, this.definitionsFor(text));
    if ("defines" in classification) this.define(classification.defines);
    return classification;
  }

  private definitionsFor({ bytes }: SqlText): readonly Definition[] {
    return [...this.definitions.values(), ...this.classifier.shared.farIn(bytes)];
  }

  /** The names may have been looked at, and the role's other sessions may have defined some, since this session looked last. */
  private keepUp(): void {
    const { watchList, classifier, start } = this;
    const { version } = watchList;
    if (this.version !== version) {
      this.version = version;
      this.everywhere ||= watchList.looksElsewhere(start.role);
      this.forgetKnown();
    }
    if (this.sharedVersion !== classifier.shared.version) {
      this.sharedVersion = classifier.shared.version;
      this.add(classifier.shared.of(start.role, watchList.snapshot.paths.trusted));
    }
  }

  private define(defined: readonly Definition[]): void {
    if (!this.add(defined)) return;
    this.classifier.shared.add(this.start.role, defined);
    this.onDefinition();
  }

  /** Returns whether any of the definitions is new to this session. */
  private add(defined: readonly Definition[]): boolean {
    const before = this.definitions.size;
    for (const definition of defined) {
      if (this.definitions.size >= mostDefinitions) break;
      this.definitions.set(`${definition.kind} ${definition.schema} ${definition.name}`, definition);
    }
    if (this.definitions.size > before) this.reindex();
    return this.definitions.size > before;
  }

  /** What the catalogue has by now needs no place of its own. */
  private forgetKnown(): void {
    if (this.definitions.size === 0) return;
    for (const [key, definition] of this.definitions)
      if (this.watchList.isDefined(definition)) this.definitions.delete(key);
    this.reindex();
  }

  private reindex(): void {
    const names = [...this.definitions.values()].map(({ kind, name }) => [name, WordKind[kind]] as const);
    this.ownIndex = names.length === 0 ? undefined : new WordIndex(names);
  }
}
