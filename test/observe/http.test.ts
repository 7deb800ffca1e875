// /healthz, /readyz and /metrics by HTTP.

import { expect, test } from "vitest";
import { serveHealth } from "../../src/observe/http.js";
import { Metrics } from "../../src/observe/metrics.js";

test("/healthz, /readyz and /metrics say how the process is", async () => {
  let reason: string | undefined;
  const { registry } = new Metrics();
  const notReady = async () => {
    if (reason === "down") throw new Error("connection refused at db.internal");
    return reason;
  };
  const server = await serveHealth("127.0.0.1", 0, { registry, notReady });
  const ask = async (path: string) => {
    const answer = await fetch(`http://127.0.0.1:${server.port}${path}`);
    return [answer.status, await answer.text()];
  };
  expect(await ask("/healthz")).toEqual([200, "ok\n"]);
  expect(await ask("/readyz?full")).toEqual([200, "ready\n"]);
  reason = "the proxy is stopping";
  expect(await ask("/readyz")).toEqual([503, "the proxy is stopping\n"]);
  reason = "down";
  expect(await ask("/readyz")).toEqual([503, "Postgres can't be asked\n"]);
  expect((await ask("/metrics"))[1]).toContain("# TYPE nodejs_eventloop_lag_seconds gauge");
  expect(await ask("/")).toEqual([404, "there are /metrics, /healthz and /readyz\n"]);
  server.close();
});

test("metrics that need no Postgres are told without it", async () => {
  const metrics = new Metrics();
  metrics.watch({
    connections: () => 3,
    opening: () => 0,
    heldStatements: () => 0,
    journal: () => Promise.reject(new Error("away")),
  });
  expect(await metrics.registry.metrics()).toContain("throughline_connections 3");
});
