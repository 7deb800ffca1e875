// A process of few file descriptors: uses all of them up, sends a request, gives them back and sends it again. Prints both outcomes
// as a line of JSON each. Its arguments: the built src/http/client.js, then the address.

import { closeSync, openSync } from "node:fs";

const [client = "", url = ""] = process.argv.slice(2);
const { sendHttp } = await import(client);
const send = () => sendHttp({ method: "POST", url, headers: {}, body: "{}", timeoutMs: 5_000 });

const descriptors = [];
try {
  for (;;) descriptors.push(openSync("/dev/null", "r"));
} catch (cause) {
  if (!(cause instanceof Error && "code" in cause && cause.code === "EMFILE")) throw cause;
}
const without = await send();
for (const descriptor of descriptors) closeSync(descriptor);
process.stdout.write(`${JSON.stringify(without)}\n${JSON.stringify(await send())}\n`);
