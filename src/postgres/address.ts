// Where Postgres listens, as a socket needs it, read from the URL by the driver that reads it for our own pool as well.

import pg from "pg";

export interface PostgresAddress {
  readonly connect: { readonly host: string; readonly port: number } | { readonly path: string };
  readonly database: string;
  /** For messages: no password in it. */
  readonly shown: string;
}

export function postgresAddress(url: string): PostgresAddress {
  const client = new pg.Client({ connectionString: url });
  const { host, port } = client;
  const database = client.database ?? client.user ?? "";
  if (host.startsWith("/")) {
    const path = `${host}/.s.PGSQL.${port}`;
    return { connect: { path }, database, shown: path };
  }
  return { connect: { host, port }, database, shown: `${host}:${port}` };
}
