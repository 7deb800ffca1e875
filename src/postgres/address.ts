// Where Postgres listens, as a socket needs it, read from the URL by the driver that reads it for our own pool as well.

import pg from "pg";

export interface PostgresAddress {
  readonly connect: { readonly host: string; readonly port: number } | { readonly path: string };
  readonly database: string;
  /** The login of proxy and sync. */
  readonly user: string;
  /** For messages: no password in it. */
  readonly label: string;
}

export function postgresAddress(url: string): PostgresAddress {
  const client = new pg.Client({ connectionString: url });
  const { host, port } = client;
  const user = client.user ?? "";
  const database = client.database ?? user;
  if (host.startsWith("/")) {
    const path = `${host}/.s.PGSQL.${port}`;
    return { connect: { path }, database, user, label: path };
  }
  return { connect: { host, port }, database, user, label: `${host}:${port}` };
}
