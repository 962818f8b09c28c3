import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { waitFor } from "../kit/wait.js";
import type { Testbed } from "../testbed/testbed.js";
import { manifest, startCluster, waitReady } from "./cluster.js";

let testbed: Testbed;

beforeAll(async () => {
  testbed = await startCluster("metrics", { hostCount: 2 });
  await testbed.tsctl(["apply", "-f", manifest("hello.yaml")]);
  await waitReady(testbed, "app=hello", 6);
  await startPrometheus();
});

afterAll(async () => {
  await testbed?.down();
});

/** Runs Debian's Prometheus on host1 with a certificate of role metrics; it scrapes every second. */
async function startPrometheus(): Promise<void> {
  const folder = join(testbed.host("host1").diskDir, "prometheus");
  mkdirSync(folder);
  const token = (await testbed.tsctl(["token", "create", "--role", "metrics"])).trim().split("\n").at(-1) ?? "";
  await testbed.daemon(testbed.host("host1"), ["certificate", token, "--name", "prometheus", "--out", folder]);
  const tls = `scheme: https\n    tls_config: { ca_file: ${folder}/ca.crt, cert_file: ${folder}/client.crt, key_file: ${folder}/client.key }`;
  const targets = (port: number, hosts: readonly string[]): string =>
    JSON.stringify(hosts.map((host) => `${testbed.host(host).address}:${port}`));
  writeFileSync(
    join(folder, "prometheus.yml"),
    `global: { scrape_interval: 1s }
scrape_configs:
  - job_name: controlplane
    ${tls}
    static_configs: [{ targets: ${targets(7445, ["host1"])} }]
  - job_name: agent
    ${tls}
    static_configs: [{ targets: ${targets(7446, ["host1", "host2"])} }]
`,
  );
  const options = `--config.file=${folder}/prometheus.yml --storage.tsdb.path=${folder}/data --web.listen-address=127.0.0.1:9090`;
  await testbed.exec("host1", ["sh", "-c", `setsid prometheus ${options} > ${folder}/log 2>&1 < /dev/null &`]);
}

async function query(
  expression: string,
): Promise<
  readonly { readonly metric: Readonly<Record<string, string>>; readonly value: readonly [number, string] }[]
> {
  const { stdout } = await testbed.exec("host1", [
    "curl",
    "-sG",
    "http://127.0.0.1:9090/api/v1/query",
    "--data-urlencode",
    `query=${expression}`,
  ]);
  return JSON.parse(stdout).data.result;
}

test("Prometheus scrapes the control plane and every agent over mTLS", async () => {
  await waitFor("three targets to be up", async () => (await query("up == 1")).length === 3, {
    deadlineMs: 30_000,
    everyMs: 500,
  });
});

const wanted = [
  "tallship_api_calls_total",
  "tallship_controller_queue_depth",
  "tallship_scheduler_binds_total",
  "tallship_pod_start_seconds_count",
  "tallship_container_memory_bytes",
  "tallship_container_cpu_seconds_total",
  "tallship_pod_network_received_bytes_total",
  "tallship_image_pull_bytes_total",
  "tallship_certificate_expiry_timestamp_seconds",
  "tallship_build_info",
];
test.each(wanted)("%s can be queried", async (metric) => {
  await waitFor(metric, async () => (await query(metric)).length > 0, { deadlineMs: 15_000, everyMs: 500 });
});

test("the six pods' start times were measured on both nodes", async () => {
  await waitFor(
    "six starts",
    async () => Number((await query("sum(tallship_pod_start_seconds_count)"))[0]?.value[1]) >= 6,
    { deadlineMs: 15_000, everyMs: 500 },
  );
});

test("who shows no certificate reads nothing", async () => {
  const { exitCode } = await testbed.exec("host2", [
    "curl",
    "-sk",
    "--max-time",
    "3",
    `https://${testbed.host("host1").address}:7446/metrics`,
  ]);
  expect(exitCode).not.toBe(0);
});
