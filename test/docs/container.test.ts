// Dockerfile and docker-compose.yml: their structure always, and by Docker itself where it has compose. No image is built.

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { parse } from "yaml";

const root = fileURLToPath(new URL("../..", import.meta.url));
const read = (name: string) => readFileSync(join(root, name), "utf8");
const compose = parse(read("docker-compose.yml"), { merge: true });
const hasCompose = spawnSync("docker", ["compose", "version"]).status === 0;

test("compose: Postgres 18, a migration, and the proxy behind it, healthy when /readyz is", () => {
  const { postgres, migrate, throughline } = compose.services;
  expect(postgres.image).toBe("postgres:18");
  expect(migrate).toMatchObject({ command: ["migrate"], depends_on: { postgres: { condition: "service_healthy" } } });
  expect(throughline).toMatchObject({
    build: ".",
    command: ["serve"],
    depends_on: { migrate: { condition: "service_completed_successfully" } },
  });
  expect(throughline.healthcheck.test.join(" ")).toContain("http://127.0.0.1:9543/readyz");
  expect(throughline.volumes).toEqual([
    expect.objectContaining({ target: "/etc/throughline/throughline.yaml", read_only: true }),
  ]);
});

test("compose: no port is published but to this machine", () => {
  const services = Object.values<{ ports?: readonly string[] }>(compose.services);
  expect(services.flatMap(({ ports = [] }) => ports)).toEqual(["127.0.0.1:6543:6543"]);
});

test("compose: what a service names is there, and no secret is", () => {
  const { services, configs, volumes } = compose;
  for (const { source } of services.postgres.configs) expect(configs).toHaveProperty(source);
  for (const volume of services.postgres.volumes) expect(volumes).toHaveProperty(volume.split(":")[0]);
  for (const { environment } of Object.values<{ environment: Record<string, string> }>(services)) {
    for (const [name, value] of Object.entries(environment)) {
      if (/PASSWORD|TOKEN|URL/.test(name)) expect(value).toContain("${");
    }
  }
});

test("Dockerfile: Node 20, not as root, and every file that it copies is there and not ignored", () => {
  const lines = read("Dockerfile").split("\n");
  expect(lines.filter((line) => line.startsWith("FROM "))).toEqual(["FROM node:20-slim AS build", "FROM node:20-slim"]);
  const last = lines.slice(lines.lastIndexOf("FROM node:20-slim"));
  expect(last.indexOf("USER node")).toBeGreaterThan(0);
  expect(last.indexOf("USER node")).toBeLessThan(last.findIndex((line) => line.startsWith("ENTRYPOINT")));
  const letIn = new Set(read(".dockerignore").match(/(?<=^!).+/gm));
  const copied = lines
    .filter((line) => line.startsWith("COPY ") && !line.includes("--from"))
    .flatMap((line) => line.split(" ").slice(1, -1));
  for (const path of copied) {
    expect(existsSync(join(root, path)), path).toBe(true);
    expect([...letIn]).toContain(path);
  }
});

test("Dockerfile: the build compiles no file that it does not copy", () => {
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const listed = spawnSync(process.execPath, [tsc, "-p", "tsconfig.build.json", "--listFilesOnly"], {
    cwd: root,
    encoding: "utf8",
  });
  const own = listed.stdout
    .split("\n")
    .filter((path) => path.startsWith(root) && !path.includes("/node_modules/"))
    .map((path) => path.slice(root.length));
  expect(own.length).toBeGreaterThan(100);
  for (const path of own) expect(path).toMatch(/^(protocol|src|packages)\//);
});

test("a container of ours writes no file and has no right that it does not need", () => {
  for (const service of ["migrate", "throughline"])
    expect(compose.services[service]).toMatchObject({
      read_only: true,
      cap_drop: ["ALL"],
      security_opt: ["no-new-privileges:true"],
    });
});

test.runIf(hasCompose)("docker compose finds nothing wrong with it", () => {
  const env = { ...process.env, POSTGRES_PASSWORD: "p", THROUGHLINE_PASSWORD: "t", APP_PASSWORD: "a" };
  const checked = spawnSync("docker", ["compose", "config", "--quiet"], { cwd: root, env, encoding: "utf8" });
  expect(checked).toMatchObject({ status: 0, stderr: "" });
});
