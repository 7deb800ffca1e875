// The states of a journal entry: every step from one to another, in a full table.

import { expect, test } from "vitest";
import { before, follows, isIdle, type State, states } from "../../src/journal/states.js";

/** Row: from; column: to. */
const table = `
            intent sent unknown accepted partial absent refused unsent lapsed settled
  intent       -    x      -       -        -      -       -      x      -      -
  sent         x    x      x       x        x      x       x      x      -      -
  unknown      -    -      -       x        x      x       x      -      x      x
  accepted     -    -      -       -        -      -       -      -      -      -
  partial      -    -      -       -        -      -       -      -      -      -
  absent       -    -      -       -        -      -       -      -      -      -
  refused      -    -      -       -        -      -       -      -      -      -
  unsent       -    -      -       -        -      -       -      -      -      -
  lapsed       -    -      -       x        x      -       -      -      -      x
  settled      -    -      -       -        -      -       -      -      -      -`;

test("P6: an entry goes from one state to another only as the table allows", () => {
  const shown = (cell: boolean) => (cell ? "x" : "-");
  const rows = states.map((from) => [from, ...states.map((to) => shown(follows(from, to)))].join(" "));
  const wanted = table
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/).join(" "));
  expect([states.join(" "), ...rows]).toEqual(wanted);
});

test("P6: only what is certainly not upstream is closed without its rows", () => {
  expect(states.filter(isIdle)).toEqual(["refused", "unsent"]);
  // What may have been sent is never said not to have been, but by who sent it.
  expect(before("unsent")).toEqual<State[]>(["intent", "sent"]);
  expect(before("lapsed")).toEqual<State[]>(["unknown"]);
});
