// Lists: newest first, by cursors that are ids. A cursor names a place, so that a deleted object does as well.

import type { Account } from "./account.js";
import { checkParams } from "./check.js";
import { fits, fitsEvent } from "./filter.js";
import type { Branch } from "./form.js";
import type { JsonObject } from "./json.js";
import type { ObjectTable, Stored } from "./object-table.js";
import { created, expand, type Param, param, type Spec, spec, text } from "./param.js";
import {
  type Checked,
  conflicting,
  exclusiveParams,
  good,
  missingReference,
  type Refusal,
  refused,
} from "./refusal.js";
import type { Resource } from "./resource.js";
import { textIn, valueIn, type Written, without } from "./written.js";

const paging: Readonly<Record<string, Param>> = {
  ending_before: param(text),
  expand,
  limit: param({ kind: "integer", least: Number.NEGATIVE_INFINITY }),
  starting_after: param(text),
};

const eventFilters = spec({ created, type: param(text), types: param({ kind: "texts", most: 20 }) });

export function list(account: Account, resource: Resource, params: Branch): Checked<JsonObject> {
  const { name, object, filters } = resource;
  const written = readList(filters, params);
  if (written.kind === "refused") return written;
  const refusal = resource.refuseFilters(account, written.value);
  if (refusal) return refused(refusal);
  const wanted = without(written.value, ...Object.keys(paging));
  return pageOf({ table: account.tables[name], object, url: `/v1/${name}` }, written.value, (candidate) =>
    fits(candidate, wanted),
  );
}

export function listEvents(account: Account, params: Branch): Checked<JsonObject> {
  const written = readList(eventFilters, params);
  if (written.kind === "refused") return written;
  if (written.value.has("type") && written.value.has("types")) return refused(exclusiveParams("type", "types"));
  const wanted = without(written.value, ...Object.keys(paging));
  return pageOf({ table: account.events, object: "event", url: "/v1/events" }, written.value, (event) =>
    fitsEvent(event, wanted),
  );
}

function readList(filters: Spec, params: Branch): Checked<Written> {
  return checkParams(new Map([...spec(paging), ...filters]), params);
}

interface Source {
  readonly table: ObjectTable;
  readonly object: string;
  readonly url: string;
}

function pageOf(source: Source, written: Written, wanted: (object: JsonObject) => boolean): Checked<JsonObject> {
  const newestFirst = source.table.all().toReversed();
  const refusal = refuseCursors(source, written);
  if (refusal) return refused(refusal);
  const after = placeOf(newestFirst, textIn(written, "starting_after"));
  const before = placeOf(newestFirst, textIn(written, "ending_before"));
  const limit = limitOf(written);
  const rest = newestFirst
    .slice(after === undefined ? 0 : after + 1, before)
    .flatMap(({ object, deleted }) => (deleted || !wanted(object) ? [] : [object]));
  // Backwards, the page is the one next to the cursor, and more is what is newer still.
  const data = before === undefined ? rest.slice(0, limit) : rest.slice(-limit);
  return good({ object: "list", data, has_more: rest.length > data.length, url: source.url });
}

function refuseCursors({ table, object }: Source, written: Written): Refusal | undefined {
  for (const cursor of ["starting_after", "ending_before"]) {
    const id = textIn(written, cursor);
    if (id !== undefined && !table.find(id)) return missingReference(object, id, cursor);
  }
  return written.has("starting_after") && written.has("ending_before")
    ? conflicting("Received both starting_after and ending_before parameters. Please pass in only one.")
    : undefined;
}

function placeOf(newestFirst: readonly Stored[], id: string | undefined): number | undefined {
  return id === undefined ? undefined : newestFirst.findIndex((stored) => stored.id === id);
}

/** What is out of bounds is the nearest bound. */
function limitOf(written: Written): number {
  const limit = valueIn(written, "limit");
  return typeof limit === "number" ? Math.min(100, Math.max(1, limit)) : 10;
}
