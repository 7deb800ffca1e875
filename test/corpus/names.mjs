// What differs between two captures of the same program, made the same: ids that Postgres generates become refs, and the
// names that a client makes up for its statements and savepoints are numbered in the order in which they appear.

/** @typedef {import("./messages.mjs").Text} Text */

const uuid = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
/** Sequelize names savepoints and quotes functions by a UUID, Django names savepoints by the thread. */
const madeUp = [
  { pattern: /(?<=\$func_)[0-9a-f]{32}(?=\$)/g, as: "uuid" },
  { pattern: new RegExp(`(?<=")${uuid}(?=-sp-\\d+")`, "g"), as: "uuid" },
  { pattern: /(?<=\bs)\d{5,}(?=_x\d+\b)/g, as: "thread" },
];
/** postgres.js: a random word and a number. */
const madeUpStatement = /^[a-z0-9]{8,}\d$/;

export class Names {
  /** @type {Map<string, string>} */
  #refs = new Map();
  #numbered;
  #ids;

  /**
   * @param {readonly string[]} known ids that Postgres has not generated: of the seed, and of the table itself
   * @param {Map<string, string>} numbered the made-up names of this connection
   */
  constructor(known, numbered) {
    this.#numbered = numbered;
    this.#ids = `throughline:${uuid}|(?<![\\w.])(?:${known.join("|")})(?![\\w.])`;
  }

  /** The fields of a row that are ids. @param {readonly (Buffer | null)[]} fields @param {number} message @param {number} row */
  keepRow(fields, message, row) {
    for (const [column, field] of fields.entries()) {
      const text = field?.toString("utf8") ?? "";
      if (new RegExp(`^(?:${this.#ids})$`).test(text) && !this.#refs.has(text))
        this.#refs.set(text, `${message}.${row}.${column}`);
    }
  }

  /** @param {string} text @returns {Text} */
  withRefs(text) {
    /** @type {(string | { ref: string })[]} */
    const parts = [];
    let from = 0;
    for (const { 0: found, index } of text.matchAll(new RegExp(this.#ids, "g"))) {
      const ref = this.#refs.get(found);
      if (ref === undefined) continue;
      if (index > from) parts.push(this.#settled(text.slice(from, index)));
      parts.push({ ref });
      from = index + found.length;
    }
    if (from < text.length || parts.length === 0) parts.push(this.#settled(text.slice(from)));
    const [first] = parts;
    return parts.length === 1 && first !== undefined ? first : parts;
  }

  /** The name of a statement or portal. @param {string} name */
  statement(name) {
    return name.replace(madeUpStatement, (found) => this.#number("statement", found));
  }

  /** @param {string} text */
  #settled(text) {
    return madeUp.reduce(
      (settled, { pattern, as }) => settled.replace(pattern, (found) => this.#number(as, found)),
      text,
    );
  }

  /** @param {string} as @param {string} found */
  #number(as, found) {
    const known = this.#numbered.get(found);
    if (known !== undefined) return known;
    const name = `${as}${this.#numbered.size + 1}`;
    this.#numbered.set(found, name);
    return name;
  }
}
