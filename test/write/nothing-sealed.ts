/** For rows that Postgres has not sealed. */
export const nothingSealed = {
  // biome-ignore lint/correctness/useYield: it opens nothing
  *opening(): Generator<undefined, string> {
    throw new Error("nothing is sealed");
  },
};
