// The result as text.

/** @typedef {import("./baseline.mjs").Judged} Judged */
/** @typedef {import("./rounds.mjs").Measured} Measured */

const heading = ["", "throughput", "tps", "added p50 µs", "CPU µs/query"];

export const legend = `throughput: against direct; added p50: at one client, against direct; CPU: user + system of the whole process,
without connecting; relay: relay.mjs, a socket.pipe in Node; UDS: Postgres by Unix socket, otherwise by TCP as the clients.`;

/** @param {readonly Measured[]} measured */
export function table(measured) {
  /** @type {Map<string, string[][]>} */
  const blocks = new Map();
  for (const one of measured) {
    const { protocol, clients } = one.configuration;
    const title = `${protocol}, ${clients} ${clients === 1 ? "client" : "clients"}`;
    const rows = blocks.get(title) ?? [];
    if (rows.length === 0) blocks.set(title, rows);
    rows.push(row(one));
  }
  return [...blocks].map(([title, rows]) => block(title, rows)).join("\n\n");
}

/** @param {Measured} measured */
function row({ leg, configuration, throughput, perSecond, addedP50Us, cpuPerQueryUs }) {
  const added = configuration.clients === 1 && leg.kind !== "direct";
  return [
    `${leg.name} ${leg.by}`,
    throughput.toFixed(2),
    Math.round(perSecond).toString(),
    added ? addedP50Us.toFixed(0) : "",
    cpuPerQueryUs?.toFixed(1) ?? "",
  ];
}

/** @param {string} title @param {readonly string[][]} rows */
function block(title, rows) {
  const lines = [[title, ...heading.slice(1)], ...rows];
  const widths = heading.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const text = lines.map((line) =>
    line
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join("  "),
  );
  return text.join("\n");
}

/** @param {Judged} judged */
export function sentence({ name, ofRelay, committed, over }) {
  const change = ((ofRelay / committed - 1) * 100).toFixed(1);
  return `${over ? "OVER" : "ok  "}  ${name}: ${ofRelay.toFixed(2)} of the relay, committed ${committed.toFixed(2)} (${change} %)`;
}
