// What a journal entry can be, and what it can become. An entry is open until it is closed: its rows are applied, or there are none.

/** Each state, and those that may follow it. */
const followers = {
  /** Upstream's rate limit makes it wait: nothing of it has been sent. */
  intent: ["sent", "unsent"],
  /** It may have been sent. Upstream's "later" makes it wait once more, or go again at once. */
  sent: ["intent", "sent", "accepted", "partial", "absent", "refused", "unsent", "unknown"],
  /** Nobody knows what became of it: upstream is asked, or people are. */
  unknown: ["accepted", "partial", "absent", "refused", "lapsed", "settled"],
  accepted: [],
  partial: [],
  /** The rows that it was to change are gone. */
  absent: [],
  refused: [],
  unsent: [],
  /** Nobody knew, and upstream has not done it as far as it was looked for: twice, and later once more. */
  lapsed: ["accepted", "partial", "settled"],
  /** Nobody knew, and nobody can tell any more; the mirror has what upstream has. */
  settled: [],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type State = keyof typeof followers;

export const states = Object.keys(followers).filter(isState);

/** Those that `state` may follow. */
export function before(state: State): readonly State[] {
  return states.filter((earlier) => follows(earlier, state));
}

export function follows(earlier: State, later: State): boolean {
  return followers[earlier].some((state) => state === later);
}

/** SQL: an entry that lapsed, and is looked for once more: until then it keeps its values. */
export const isLookedForAgainSql = "(state = 'lapsed' and closed_at is not null and request is not null)";

/** Upstream has changed nothing, and there is nothing to apply: such an entry is closed as soon as it is noted. */
export function isIdle(state: State): boolean {
  return state === "refused" || state === "unsent";
}

export function isState(text: string): text is State {
  return Object.hasOwn(followers, text);
}
