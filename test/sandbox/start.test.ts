// The sandbox package as programs use it: by the API's name, with faults as objects or as text.

import { afterEach, expect, test } from "vitest";
import { startSandbox } from "../../packages/sandbox/src/index.js";

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const sandbox of open.splice(0)) await sandbox.close();
});

async function contactsStatus(url: string): Promise<number> {
  return (await fetch(`${url}/crm/v3/objects/contacts`, { headers: { authorization: "Bearer any" } })).status;
}

test("a fault may be written as on a command line, at the start and later", async () => {
  const hubspot = await startSandbox("hubspot", { faults: ["unavailable:2"] });
  open.push(hubspot);
  expect([await contactsStatus(hubspot.url), await contactsStatus(hubspot.url)]).toEqual([503, 503]);
  expect(await contactsStatus(hubspot.url)).toBe(200);
  hubspot.fault("forbidden");
  expect(await contactsStatus(hubspot.url)).toBe(403);
});

test("an unknown fault is an error where it is given, and breaks no request", async () => {
  const stripe = await startSandbox("stripe");
  open.push(stripe);
  expect(() => stripe.fault("hagn")).toThrow(
    '"hagn" is not a fault; NAME or NAME:TIMES, with a name of rate-limit, lock-timeout',
  );
  // @ts-expect-error a program in JavaScript may give any kind
  expect(() => stripe.fault({ kind: "nonsense" })).toThrow('"nonsense" is not a fault');
  await expect(startSandbox("stripe", { faults: ["nonsense"] })).rejects.toThrow('"nonsense" is not a fault');
  // @ts-expect-error a program in JavaScript may ask for any name
  await expect(startSandbox("github")).rejects.toThrow('there is no sandbox of "github"; there are hubspot, stripe');
});
