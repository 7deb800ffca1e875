// The name that a misspelt word may stand for.

/** A name that is farther away is no misspelling. */
const farthest = 3;

/** So many letters of known names are listed. */
const mostLetters = 3_000;

/** Returns `did you mean "email"?` when a known name is at most three letters away, and otherwise lists the known names. */
export function suggestion(word: string, names: readonly string[]): string {
  const [nearest] = names
    .filter((name) => Math.abs(name.length - word.length) <= farthest)
    .map((name) => ({ name, far: distance(word, name) }))
    .sort((a, b) => a.far - b.far);
  if (nearest && nearest.far <= farthest) return `did you mean "${nearest.name}"?`;
  if (names.length === 0) return "there are none";
  let letters = 0;
  const shown = names.filter((name) => {
    letters += name.length + 2;
    return letters <= mostLetters;
  });
  const more = names.length - shown.length;
  return `known here: ${shown.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

/** Returns Levenshtein's distance, which is fast enough for words of a few letters. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
