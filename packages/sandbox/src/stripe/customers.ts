// Customers: every text can be cleared, a balance brings a currency, and a deleted one leaves a stub.

import type { Account } from "./account.js";
import { type JsonObject, textOf } from "./json.js";
import {
  choice,
  clearable,
  created,
  expand,
  hash,
  metadata,
  type Param,
  param,
  spec,
  text,
  textUpTo,
} from "./param.js";
import { type Checked, conflicting, existingObject, good, invalid, type Refusal, refused } from "./refusal.js";
import type { Plan, Resource } from "./resource.js";
import { applied, textIn, valueIn, type Written } from "./written.js";

const address: Readonly<Record<string, Param>> = {
  city: clearable(text),
  country: clearable(text),
  line1: clearable(text),
  line2: clearable(text),
  postal_code: clearable(text),
  state: clearable(text),
};

const writable: Readonly<Record<string, Param>> = {
  address: clearable(hash(address)),
  balance: param({ kind: "amount", signed: true }),
  description: clearable(text),
  email: clearable({ kind: "email" }),
  expand,
  invoice_prefix: param(text),
  invoice_settings: param(hash({ footer: clearable(text) })),
  metadata,
  name: clearable(textUpTo(256)),
  next_invoice_sequence: param({ kind: "integer", least: 1 }),
  phone: clearable(textUpTo(20)),
  preferred_locales: clearable({ kind: "texts", most: 10 }, []),
  shipping: clearable(
    hash(
      { address: param(hash(address)), name: param(text), phone: clearable(text) },
      { address: Object.fromEntries(Object.keys(address).map((name) => [name, null])), name: null, phone: null },
    ),
  ),
  tax_exempt: clearable(choice("none", "exempt", "reverse"), "none"),
};

export const customers: Resource = {
  name: "customers",
  object: "customer",
  pathParam: "id",
  create: spec({ ...writable, id: param(text) }),
  update: spec(writable),
  filters: spec({ created, email: param(textUpTo(512)) }),
  leavesStub: true,

  planCreate(account, written, atS) {
    const id = textIn(written, "id") ?? account.ids.next("cus_", 14);
    if (account.tables.customers.find(id)) {
      return refused(existingObject("Customer"));
    }
    const fresh: JsonObject = {
      id,
      object: "customer",
      address: null,
      balance: 0,
      created: atS,
      currency: null,
      customer_account: null,
      default_source: null,
      delinquent: false,
      description: null,
      discount: null,
      email: null,
      invoice_prefix: account.ids.nextInvoicePrefix(),
      invoice_settings: { custom_fields: null, default_payment_method: null, footer: null, rendering_options: null },
      livemode: false,
      metadata: {},
      name: null,
      next_invoice_sequence: 1,
      phone: null,
      preferred_locales: [],
      shipping: null,
      tax_exempt: "none",
      test_clock: null,
    };
    return plan(account, "created", fresh, written);
  },

  planUpdate: (account, before, written) => plan(account, "updated", before, written),

  planDelete(_account, before) {
    const stub = { id: textOf(before, "id"), object: "customer", deleted: true };
    return good({ answer: stub, effects: [{ kind: "deleted", resource: "customers", object: before }] });
  },

  refuseFilters: () => undefined,
};

function plan(account: Account, kind: "created" | "updated", before: JsonObject, written: Written): Checked<Plan> {
  const after = applied(before, written);
  const prefix = refusePrefix(account, textOf(before, "id"), textIn(written, "invoice_prefix"));
  if (prefix) return refused(prefix);
  const owes = (valueIn(written, "balance") ?? 0) !== 0;
  const customer = owes ? { ...after, currency: after["currency"] ?? "usd" } : after;
  return good({ answer: customer, effects: [{ kind, resource: "customers", object: customer }] });
}

/** A deleted customer keeps its prefix. */
function refusePrefix(account: Account, id: string, prefix: string | undefined): Refusal | undefined {
  if (prefix === undefined) return undefined;
  if (!/^[A-Z0-9]{1,12}$/.test(prefix)) {
    return invalid("Invoice number prefix must be 1–12 uppercase letters or numbers.");
  }
  const holder = account.tables.customers.all().find(({ object }) => object["invoice_prefix"] === prefix);
  if (!holder || holder.id === id) return undefined;
  const message = `This invoice number prefix is taken by customer: ${holder.id}. Please enter a different prefix.`;
  return conflicting(message, "invoice_prefix");
}
