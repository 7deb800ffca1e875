// What tests ask again and again: how a statement was refused, and what the API and the mirror hold.

import type { Stack } from "./stack.js";

/** The error of a statement; `{ code: "accepted" }` when there was none. */
export function refused(asked: Promise<unknown>) {
  return asked.then(
    () => ({ code: "accepted" }),
    (cause) => cause,
  );
}

/** The e-mail address and first name of each live record of the API, sorted. */
export function upstream({ sandbox }: Stack): string[] {
  return sandbox
    .records("contacts")
    .filter(({ archived }) => !archived)
    .map(({ properties }) => shown(properties["email"], properties["firstname"]))
    .sort();
}

/** The same of the mirror's rows. */
export async function mirrored({ admin }: Stack): Promise<string[]> {
  const { rows } = await admin.query("select email, firstname from hubspot.contacts");
  return rows.map(({ email, firstname }) => shown(email, firstname)).sort();
}

/** The e-mail address of each record that the API has, or had, sorted. */
export function upstreamEmails({ sandbox }: Stack): (string | null | undefined)[] {
  return sandbox
    .records("contacts")
    .map(({ properties }) => properties["email"])
    .sort();
}

/** Those of the mirror's rows. */
export async function mirroredEmails({ admin }: Stack): Promise<(string | null)[]> {
  return (await admin.query("select email from hubspot.contacts")).rows.map(({ email }) => email).sort();
}

function shown(email: string | null | undefined, firstname: string | null | undefined): string {
  return `${email} ${firstname ?? ""}`.trim();
}
