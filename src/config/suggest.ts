// The name that a misspelt word may stand for.

/** Returns `did you mean "email"?` when a known name is at most three letters away, and otherwise lists all known names. */
export function suggestion(word: string, names: readonly string[]): string {
  const [nearest] = names.map((name) => ({ name, far: distance(word, name) })).sort((a, b) => a.far - b.far);
  if (nearest && nearest.far <= 3) return `did you mean "${nearest.name}"?`;
  return names.length === 0 ? "there are none" : `known here: ${names.join(", ")}`;
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
