// Addresses that lead to this machine alone.

import { BlockList, isIP } from "node:net";

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/** Whether what is sent to this host, a name or an address, stays on this machine. A name is believed only where it is that of a loopback address (RFC 6761). */
export function isLoopback(host: string): boolean {
  // A URL has brackets around an address of IPv6.
  const name = host.replace(/^\[(.*)\]$/, "$1");
  const family = isIP(name);
  if (family === 0) return /^(?:[^.]+\.)*localhost\.?$/i.test(name);
  return loopback.check(name, family === 6 ? "ipv6" : "ipv4");
}
