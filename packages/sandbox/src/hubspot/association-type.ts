// A kind of association, in one direction: what it is called, and which one is the same seen from the other side.

type AssociationCategory = "HUBSPOT_DEFINED" | "USER_DEFINED";

export interface AssociationType {
  readonly category: AssociationCategory;
  readonly typeId: number;
  /** HubSpot's numbers of the two object types. */
  readonly from: string;
  readonly to: string;
  /** Null: the association that every associated pair has. */
  readonly label: string | null;
  /** As the older answers call it. */
  readonly name: string;
  /** Within the same category. */
  readonly inverseId: number;
  /** A record has it to one other at most, and its first association gets it unasked. */
  readonly primary: boolean;
}

/** How a caller names one. */
export interface AssociationSpec {
  readonly category: string;
  readonly typeId: number;
}

/** "HUBSPOT_DEFINED=279" */
export function specName({ category, typeId }: AssociationSpec): string {
  return `${category}=${typeId}`;
}

/** Both directions of a pair that differs in its sides. */
export function bothWays(
  forth: Omit<AssociationType, "inverseId">,
  back: Pick<AssociationType, "typeId" | "label" | "name">,
): readonly AssociationType[] {
  return [
    { ...forth, inverseId: back.typeId },
    { ...forth, ...back, from: forth.to, to: forth.from, inverseId: forth.typeId, primary: false },
  ];
}
