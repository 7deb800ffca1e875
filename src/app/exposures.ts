// What a config exposes to the network: credentials that are sent in clear, and a port that other machines reach.

import type { ListenOptions } from "node:net";
import type { ApiConfig } from "../config/api.js";
import { isLoopback } from "../config/loopback.js";
import { memberOf } from "../config/member.js";
import { manifestOf } from "../connectors/registry.js";
import type { Manifest } from "../manifest/manifest.js";
import type { Opened } from "./open.js";

/** A sentence for people. It has no value of the config's but the address to listen on. */
export interface Exposure {
  /** The name of an API, or "listen". */
  readonly subject: string;
  readonly says: string;
}

/** Returns what the opened APIs expose, and what listening does. */
export function exposuresOf({ tables }: Pick<Opened, "tables">, listen: ListenOptions): readonly Exposure[] {
  const apis = [...new Set(tables.map(({ api }) => api))];
  return [...apis.flatMap(exposedCredentials), ...exposedPort(listen)];
}

function exposedCredentials(api: ApiConfig): Exposure[] {
  const manifest = manifestOf(api.connector);
  if (!manifest || !hasCredentials(api, manifest)) return [];
  const base = { address: api.base ?? manifest.base, place: api.base === undefined ? "base" : `apis.${api.name}.base` };
  const token = { address: manifest.auth?.oauth2?.token ?? "", place: "auth.oauth2.token" };
  return [base, token]
    .filter(({ address }) => isClear(withValues(address, api)))
    .map(({ place }) => ({
      subject: api.name,
      says: `${place} leads to another machine by http://, so that its credentials cross the network in clear: use https://, or a tunnel that begins on 127.0.0.1`,
    }));
}

function hasCredentials({ values }: ApiConfig, { auth, config }: Manifest): boolean {
  return auth !== undefined || Object.keys(values).some((name) => memberOf(config, name)?.secret === true);
}

/** An address as the config fills it in. What an answer fills in may be anything. */
function withValues(address: string, { values }: ApiConfig): string {
  const ofConfig = new Map(Object.entries(values).map(([name, value]) => [`{config.${name}}`, value]));
  return address.replaceAll(/\{[\w.]+\}/g, (placeholder) => ofConfig.get(placeholder) ?? "any");
}

function isClear(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const { protocol, hostname } = new URL(address);
  return protocol === "http:" && !isLoopback(hostname);
}

/** Node.js listens on all addresses when it is told none. */
function exposedPort({ path, host = "::", port }: ListenOptions): Exposure[] {
  if (path !== undefined || isLoopback(host)) return [];
  return [
    {
      subject: "listen",
      says: `other machines may reach port ${port} of ${host}, and it has neither TLS nor a list of clients yet: passwords and rows cross the network in clear, and every client that comes gets to the login of Postgres; listen on 127.0.0.1, or let a private network alone reach the port`,
    },
  ];
}
