// Which addresses count as one when their connections, or what they make the proxy keep, have a limit.

import { isIPv6 } from "node:net";

/**
 * Returns what counts as one address: an IPv4 address, the first half of an IPv6 address, since one host has all of the other half, or
 * "local" for every Unix socket.
 */
export function addressGroup(address: string | undefined): string {
  if (address === undefined) return "local";
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!isIPv6(address)) return address;
  const [left = "", right] = address.replace(/%.*$/, "").split("::");
  const before = left === "" ? [] : left.split(":");
  const after = right === undefined || right === "" ? [] : right.split(":");
  const groups =
    right === undefined ? before : [...before, ...Array(8 - before.length - after.length).fill("0"), ...after];
  return groups.slice(0, 4).join(":");
}
