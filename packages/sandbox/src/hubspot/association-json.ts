// Associations as answers carry them: the newer form by ids and labels, the older one by names within a record.

import type { AssociationType } from "./association-type.js";
import type { Associations, End, Link } from "./associations.js";
import { isCustom, type ObjectType } from "./object-type.js";

/** Where the next page of a record's others begins: after this id. */
export interface PageOfLinks {
  readonly links: readonly Link[];
  readonly next: string | undefined;
}

export function pageOfLinks(all: readonly Link[], after: string | null, limit: number): PageOfLinks {
  const rest = all.filter(({ toId }) => Number(toId) > Number(after ?? "0"));
  const links = rest.slice(0, limit);
  return { links, next: rest.length > limit ? links.at(-1)?.toId : undefined };
}

/** Nothing at all on the last page. */
export function pagingJson(next: string | undefined, link: string): { readonly paging?: object } {
  return next === undefined ? {} : { paging: { next: { after: next, link: `${link}?after=${next}` } } };
}

export function linkJson({ toId, types }: Link): object {
  return { toObjectId: Number(toId), associationTypes: types.map(typeJson) };
}

export function typeJson({ category, typeId, label }: AssociationType): object {
  return { category, typeId, label };
}

/** A pair with all the labels it has now. */
export function labelledJson(associations: Associations, from: End, to: End): object {
  const types = associations.of(from, to.type).find(({ toId }) => toId === to.id)?.types ?? [];
  return {
    fromObjectTypeId: from.type.typeId,
    fromObjectId: Number(from.id),
    toObjectTypeId: to.type.typeId,
    toObjectId: Number(to.id),
    labels: types.flatMap(({ label }) => (label === null ? [] : [label])),
  };
}

export function unlabelledJson(from: End, to: End, { category, typeId }: AssociationType): object {
  const associationSpec = { associationCategory: category, associationTypeId: typeId };
  return { from: { id: from.id }, to: { id: to.id }, associationSpec };
}

/** The older form: the other's id once for each kind of association. */
export function namedJson(links: readonly Link[]): readonly object[] {
  return links.flatMap(({ toId, types }) => types.map(({ name }) => ({ id: toId, type: name })));
}

/** What the older form calls the others: "line items" with a space, which their path has not. */
export function othersName(type: ObjectType): string {
  return isCustom(type) ? type.name : type.name.replace("_", " ");
}
