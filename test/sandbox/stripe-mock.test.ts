// The same requests to this sandbox and to stripe-stateful-mock: what both know is the same, but for what is named here
// and in the support file, with its reason.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { essence, last, type Step, seen, settled, startMock } from "./stripe-mock-support.js";
import { call, start } from "./stripe-support.js";

let mock: Awaited<ReturnType<typeof startMock>>;

beforeAll(async () => {
  mock = await startMock();
});

afterAll(() => mock.close());

describe("objects are the same", () => {
  test.each<{ readonly what: string; readonly steps: readonly Step[] }>([
    { what: "a customer of nothing", steps: [["POST", "/v1/customers"]] },
    {
      what: "a customer",
      steps: [
        ["POST", "/v1/customers", "email=a%2Bb%40c.co&description=d&metadata[a]=1&address[line1]=x%20y"],
        ["GET", "/v1/customers/{id}"],
      ],
    },
    {
      what: "a customer with where to ship to",
      steps: [["POST", "/v1/customers", "shipping[name]=Ada&shipping[address][line1]=x&preferred_locales[0]=en"]],
    },
    {
      what: "a customer whose name and phone are changed",
      steps: [
        ["POST", "/v1/customers", "email=a@b.co"],
        ["POST", "/v1/customers/{id}", "name=Ada&phone=1&tax_exempt=exempt"],
      ],
    },
    {
      what: "a product",
      steps: [
        ["POST", "/v1/products", "name=Tea&description=d&metadata[a]=1"],
        ["GET", "/v1/products/{id}"],
      ],
    },
    {
      what: "a price that is paid once",
      steps: [
        ["POST", "/v1/products", "name=Tea"],
        ["POST", "/v1/prices", "product={id}&currency=usd&unit_amount=500&nickname=box"],
      ],
    },
    {
      what: "a price that recurs and brings its product",
      steps: [
        ["POST", "/v1/prices", "product_data[name]=Tea&currency=eur&unit_amount=5&recurring[interval]=month"],
        ["POST", "/v1/prices/{id}", "active=false&nickname=box&metadata[a]=1"],
      ],
    },
    {
      what: "a list of the prices of a product",
      steps: [
        ["POST", "/v1/products", "name=Tea"],
        ["POST", "/v1/prices", "product={id}&currency=usd&unit_amount=500"],
        ["GET", "/v1/prices?product={id}&limit=1"],
      ],
    },
    {
      what: "a page that has more after it",
      steps: [
        ["POST", "/v1/products", "name=Tea"],
        ["POST", "/v1/prices", "product={id}&currency=usd&unit_amount=5"],
        ["POST", "/v1/prices", "product={id}&currency=usd&unit_amount=5"],
        ["GET", "/v1/prices?product={id}&limit=1"],
      ],
    },
  ])("$what", async ({ steps }) => {
    const ours = await last(await start(), steps);
    const theirs = await last(mock, steps);
    expect(ours.status).toBe(200);
    expect(theirs.status).toBe(200);
    expect(settled(ours.body)).toEqual(settled(theirs.body));
  });
});

describe("refusals are the same", () => {
  test.each<{ readonly what: string; readonly steps: readonly Step[] }>([
    { what: "no such customer", steps: [["GET", "/v1/customers/cus_none"]] },
    { what: "no such customer to change", steps: [["POST", "/v1/customers/cus_none", "name=Ada"]] },
    { what: "no such product", steps: [["GET", "/v1/products/prod_none"]] },
    { what: "a product without a name", steps: [["POST", "/v1/products", "description=d"]] },
    { what: "a product of no type", steps: [["POST", "/v1/products", "name=Tea&type=idea"]] },
    {
      what: "a product id given twice",
      steps: [
        ["POST", "/v1/products", "name=Tea&id=twice"],
        ["POST", "/v1/products", "name=Tea&id=twice"],
      ],
    },
    {
      what: "a customer id given twice",
      steps: [
        ["POST", "/v1/customers", "id=twice"],
        ["POST", "/v1/customers", "id=twice"],
      ],
    },
    { what: "a price without a currency", steps: [["POST", "/v1/prices", "unit_amount=5"]] },
    { what: "a price in no currency", steps: [["POST", "/v1/prices", "unit_amount=5&currency=xyz"]] },
    { what: "a price of nothing", steps: [["POST", "/v1/prices", "unit_amount=5&currency=usd"]] },
    { what: "a path that leads nowhere", steps: [["GET", "/v1/nothing"]] },
    { what: "a price to delete", steps: [["DELETE", "/v1/prices/price_none"]] },
    {
      what: "an idempotency key with other parameters",
      steps: [
        ["POST", "/v1/customers", "email=a@b.co", "reused"],
        ["POST", "/v1/customers", "email=c@d.co", "reused"],
      ],
    },
  ])("$what", async ({ steps }) => {
    const ours = await last(await start(), steps);
    const theirs = await last(mock, steps);
    expect(ours.status).toBeGreaterThanOrEqual(400);
    expect(ours.status).toBe(theirs.status);
    expect(essence(ours)).toEqual(essence(theirs));
  });

  test("of whoever brings no key, and of whoever brings a wrong one", async () => {
    const sandbox = await start();
    for (const headers of [{ Authorization: "" }, { Authorization: "Bearer pk_live_0123456789abcdef" }]) {
      const [ours, theirs] = [
        await seen(call(sandbox, "GET", "/v1/customers", { headers })),
        await seen(call(mock, "GET", "/v1/customers", { headers })),
      ];
      expect(ours.status).toBe(401);
      expect(theirs.status).toBe(401);
      expect(essence(ours)).toEqual(essence(theirs));
    }
  });
});

test("an idempotency key is given the same answer again, with the same headers", async () => {
  const steps: readonly Step[] = [
    ["POST", "/v1/customers", "email=a@b.co", "again"],
    ["POST", "/v1/customers", "email=a@b.co", "again"],
  ];
  const sandbox = await start();
  for (const upstream of [sandbox, mock]) {
    const again = await last(upstream, steps);
    expect(again.status).toBe(200);
    expect(again.headers.get("idempotent-replayed")).toBe("true");
    expect(again.headers.get("original-request")).toMatch(/^req_/);
    expect(again.headers.get("request-id")).not.toBe(again.headers.get("original-request"));
  }
});

/** Where the two differ, so that whoever changes one of them hears of it. */
describe("they differ, for a reason", () => {
  test.each<{
    readonly reason: string;
    readonly steps: readonly Step[];
    readonly ours: unknown;
    readonly theirs: unknown;
  }>([
    {
      reason: "today's messages have the id in quotes",
      steps: [["GET", "/v1/customers/cus_none"]],
      ours: { error: { message: "No such customer: 'cus_none'" } },
      theirs: { error: { message: "No such customer: cus_none" } },
    },
    {
      reason: "today a price's path names its parameter price",
      steps: [["GET", "/v1/prices/price_none"]],
      ours: { error: { code: "resource_missing", param: "price" } },
      theirs: { error: { code: "resource_missing", param: "id" } },
    },
    {
      reason: "the mock forgets name and phone when it creates a customer",
      steps: [["POST", "/v1/customers", "name=Ada&phone=1"]],
      ours: { name: "Ada", phone: "1" },
      theirs: { name: null, phone: null },
    },
    {
      reason: "a balance brings a currency",
      steps: [["POST", "/v1/customers", "balance=5"]],
      ours: { currency: "usd" },
      theirs: { currency: null },
    },
    {
      reason: "metadata is documented to be merged; the mock replaces it",
      steps: [
        ["POST", "/v1/customers", "metadata[a]=1"],
        ["POST", "/v1/customers/{id}", "metadata[b]=2"],
      ],
      ours: { metadata: { a: "1", b: "2" } },
      theirs: { metadata: { b: "2" } },
    },
    {
      reason: "an empty string is documented to clear; the mock keeps it",
      steps: [
        ["POST", "/v1/customers", "description=d"],
        ["POST", "/v1/customers/{id}", "description="],
      ],
      ours: { description: null },
      theirs: { description: "" },
    },
    {
      reason: "the mock does not check parameters that it does not know",
      steps: [["POST", "/v1/customers", "shoe_size=44"]],
      ours: { error: { code: "parameter_unknown" } },
      theirs: { object: "customer" },
    },
    {
      reason: "the mock does not look for the product of a price",
      steps: [["POST", "/v1/prices", "product=prod_none&currency=usd&unit_amount=5"]],
      ours: { error: { code: "resource_missing", param: "product" } },
      theirs: { product: "prod_none" },
    },
    {
      reason: "a key is known on every endpoint; the mock's belong to one path",
      steps: [
        ["POST", "/v1/customers", "metadata[a]=1", "elsewhere"],
        ["POST", "/v1/products", "name=Tea", "elsewhere"],
      ],
      ours: { error: { type: "idempotency_error" } },
      theirs: { object: "product" },
    },
    {
      reason: "a refusal of the parameters is documented not to be kept; the mock keeps it",
      steps: [
        ["POST", "/v1/products", "description=d", "refused"],
        ["POST", "/v1/products", "name=Tea", "refused"],
      ],
      ours: { name: "Tea" },
      theirs: { error: { type: "idempotency_error" } },
    },
  ])("$reason", async ({ steps, ours, theirs }) => {
    expect((await last(await start(), steps)).body).toMatchObject(Object(ours));
    expect((await last(mock, steps)).body).toMatchObject(Object(theirs));
  });

  test("a cursor that is no id is a 400 today, for it is a parameter; the mock's is a 404", async () => {
    const steps: readonly Step[] = [["GET", "/v1/customers?starting_after=cus_none"]];
    const [ours, theirs] = [await last(await start(), steps), await last(mock, steps)];
    expect([ours.status, theirs.status]).toEqual([400, 404]);
    expect(essence(ours)).toEqual(essence(theirs));
  });
});
