// Which records are associated, and how. Every association is kept from both of its ends.

import { type AssociationSpec, type AssociationType, bothWays } from "./association-type.js";
import { hubspotDefined } from "./association-types.js";
import type { ObjectType } from "./object-type.js";

/** One record, as an end of an association. */
export interface End {
  readonly type: ObjectType;
  readonly id: string;
}

/** All that associates a record with one other. */
export interface Link {
  readonly toId: string;
  readonly types: readonly AssociationType[];
}

export class Associations {
  #types = hubspotDefined;
  #lastTypeId = 0;
  /** For a record and a type of others: the ids of those others, and how each is associated. */
  readonly #links = new Map<string, Map<string, ReadonlySet<AssociationType>>>();

  between(from: ObjectType, to: ObjectType): readonly AssociationType[] {
    return this.#types.filter((type) => type.from === from.typeId && type.to === to.typeId);
  }

  /** All that have this object type at one of their ends. */
  ofType({ typeId }: ObjectType): readonly AssociationType[] {
    return this.#types.filter(({ from, to }) => from === typeId || to === typeId);
  }

  find({ category, typeId }: AssociationSpec): AssociationType | undefined {
    return this.#types.find((type) => type.category === category && type.typeId === typeId);
  }

  unlabelled(from: ObjectType, to: ObjectType): AssociationType | undefined {
    return this.between(from, to).find(({ label }) => label === null);
  }

  /** Makes a kind of association that is the portal's own; a null label makes the unlabelled one. */
  define(
    from: ObjectType,
    to: ObjectType,
    label: string | null,
    inverseLabel = label,
    name?: string,
  ): readonly AssociationType[] {
    const names = { forth: name ?? `${from.noun}_to_${to.noun}`, back: name ?? `${to.noun}_to_${from.noun}` };
    const ends = { category: "USER_DEFINED", from: from.typeId, to: to.typeId, primary: false } as const;
    const made = bothWays(
      { ...ends, typeId: ++this.#lastTypeId, label, name: names.forth },
      { typeId: ++this.#lastTypeId, label: inverseLabel, name: names.back },
    );
    this.#types = [...this.#types, ...made];
    return made;
  }

  /** In the order of the others' ids. */
  of(from: End, to: ObjectType): readonly Link[] {
    return [...this.#others(from, to)]
      .map(([toId, types]) => ({ toId, types: [...types] }))
      .sort((a, b) => Number(a.toId) - Number(b.toId));
  }

  /** Adds to how the two are associated already; the first company of a record becomes its primary one. */
  associate(from: End, to: End, asked: readonly AssociationType[]): void {
    const firsts = this.between(from.type, to.type).filter((type) => type.primary && !this.#has(from, type, to.type));
    const firstsBack = this.between(to.type, from.type).filter(
      (type) => type.primary && !this.#has(to, type, from.type),
    );
    const unlabelled = this.unlabelled(from.type, to.type);
    for (const type of [...(unlabelled ? [unlabelled] : []), ...asked, ...firsts]) this.#add(from, to, type);
    for (const type of firstsBack) this.#add(to, from, type);
  }

  /** Takes labels away; the pair stays associated. */
  unlabel(from: End, to: End, types: readonly AssociationType[]): void {
    for (const type of types) if (type.label !== null) this.#drop(from, to, type);
  }

  separate(from: End, to: End): void {
    this.#others(from, to.type).delete(to.id);
    this.#others(to, from.type).delete(from.id);
  }

  /** Of a record that is archived nothing remains associated. */
  forget(end: End, others: readonly ObjectType[]): void {
    for (const type of others) for (const { toId } of this.of(end, type)) this.separate(end, { type, id: toId });
  }

  #add(from: End, to: End, type: AssociationType): void {
    const inverse = this.#inverse(type);
    if (type.primary) this.#dropElsewhere(from, to.type, type);
    if (inverse.primary) this.#dropElsewhere(to, from.type, inverse);
    this.#keep(from, to, (types) => types.add(type));
    this.#keep(to, from, (types) => types.add(inverse));
  }

  #drop(from: End, to: End, type: AssociationType): void {
    if (!this.#others(from, to.type).has(to.id)) return;
    const inverse = this.#inverse(type);
    this.#keep(from, to, (types) => types.delete(type));
    this.#keep(to, from, (types) => types.delete(inverse));
  }

  #dropElsewhere(from: End, to: ObjectType, type: AssociationType): void {
    for (const [id, types] of this.#others(from, to)) if (types.has(type)) this.#drop(from, { type: to, id }, type);
  }

  #keep(from: End, to: End, change: (types: Set<AssociationType>) => void): void {
    const others = this.#others(from, to.type);
    const types = new Set(others.get(to.id));
    change(types);
    others.set(to.id, types);
  }

  #has(from: End, type: AssociationType, to: ObjectType): boolean {
    return [...this.#others(from, to).values()].some((types) => types.has(type));
  }

  #inverse(type: AssociationType): AssociationType {
    const inverse = this.find({ category: type.category, typeId: type.inverseId });
    if (!inverse) throw new Error(`association ${type.name} has no inverse`);
    return inverse;
  }

  #others({ type, id }: End, to: ObjectType): Map<string, ReadonlySet<AssociationType>> {
    const key = `${type.typeId}/${id}/${to.typeId}`;
    const others = this.#links.get(key) ?? new Map<string, ReadonlySet<AssociationType>>();
    this.#links.set(key, others);
    return others;
  }
}
