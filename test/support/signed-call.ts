// The proxy's own calls of the installed functions, really signed, in a session that is not the proxy's.

import { randomUUID } from "node:crypto";
import type pg from "pg";
import { atOnce } from "../../src/config/slices.js";
import type { SessionSigner } from "../../src/postgres/mac.js";

const names = ["plan", "planned", "lock", "stage", "close", "refuse"] as const;
export type SignedName = (typeof names)[number];

interface Signed {
  readonly text: string;
  readonly values: readonly unknown[];
}

export class SignedCall {
  private readonly planned = randomUUID();
  private readonly staged = randomUUID();
  private readonly rowsText: string;
  private transaction = "";
  private seat = "";
  private readonly last = new Map<SignedName, Signed>();

  constructor(
    private readonly client: pg.Client,
    private readonly signer: SessionSigner,
    rows: readonly object[],
  ) {
    this.rowsText = JSON.stringify(rows);
  }

  /** Runs a statement, or signs one of ours and runs it. Returns the SQLSTATE. */
  async ask(statement: string): Promise<string> {
    const name = names.find((one) => one === statement);
    const { text, values } = name ? this.sign(name) : { text: statement, values: [] };
    try {
      const { rows } = await this.client.query({ text, values: [...values] });
      if (statement === "plan") ({ transaction: this.transaction, seat: this.seat } = rows[0]);
      return "00000";
    } catch (cause) {
      return codeOf(cause);
    }
  }

  /** Runs what was signed before once more, in that session or in another. Returns the SQLSTATE. */
  async again(name: SignedName, client = this.client): Promise<string> {
    const { text, values } = this.last.get(name) ?? this.sign(name);
    return client.query({ text, values: [...values] }).then(() => "00000", codeOf);
  }

  /** The rows that one of ours answers, the rows of mirrors among their columns as the proxy reads them. */
  async rows(name: SignedName): Promise<{ readonly raw: string; readonly sealed: boolean; readonly row: unknown }[]> {
    const { text, values } = this.sign(name);
    const { rows } = await this.client.query({ text, values: [...values] });
    return rows.flatMap(({ sealed, old_row, current_row }) => {
      const raw = old_row ?? current_row;
      return raw == null ? [] : { raw, sealed, row: JSON.parse(sealed ? atOnce(this.signer.opening(raw)) : raw) };
    });
  }

  private sign(name: SignedName): Signed {
    const signed = this.compose(name);
    this.last.set(name, signed);
    return signed;
  }

  private compose(name: SignedName): Signed {
    const { planned, staged, signer, rowsText, transaction, seat } = this;
    const { proxy } = signer;
    const signed = (message: string, ...values: unknown[]): Signed => ({
      text: `select * from throughline.${name}(${[...values, 0, 0].map((_, index) => `$${index + 1}`).join(", ")})`,
      values: [...values, proxy, signer.mac(`${name}|${message}`)],
    });
    switch (name) {
      case "plan":
        return signed(`${planned}|100`, planned, 100);
      case "planned":
        return signed(planned, planned);
      case "lock":
        return signed('1|false|["501"]', 1, '["501"]', false);
      case "stage":
        return signed(`${staged}|${transaction}|${seat}|false|${rowsText}`, staged, rowsText, false);
      case "close":
        return signed(`${staged}|1|[]`, staged, 1, "[]");
      case "refuse":
        return signed("TL002|words", "TL002", "words", null, null, null, null, null, null);
      default:
        throw new Error(name satisfies never);
    }
  }
}

function codeOf(cause: unknown): string {
  return cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
}
