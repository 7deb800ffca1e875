// The reference: the least that a Node program can do between a client and Postgres. It reads nothing of what it passes.
// node relay.mjs PORT (PORT | SOCKET) listens on the first and connects to the second.

import { connect, createServer } from "node:net";

const [port = "", postgres = ""] = process.argv.slice(2);
const address = postgres.startsWith("/") ? { path: postgres } : { host: "127.0.0.1", port: Number(postgres) };

createServer({ noDelay: true }, (client) => {
  const server = connect(address).setNoDelay(true);
  client.pipe(server).pipe(client);
  client.on("error", () => server.destroy());
  server.on("error", () => client.destroy());
}).listen(Number(port), "127.0.0.1");
