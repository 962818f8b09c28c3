import { afterEach, beforeEach, expect, test } from "vitest";
import { openTsctlBench, type TsctlBench } from "../../test/kit/tsctl-bench.js";
import { objectOf, writeStatus } from "../../test/kit/tsctl-steps.js";

let bench: TsctlBench;
beforeEach(async () => {
  bench = await openTsctlBench();
  const meta = "metadata: {name: db-0, namespace: default, labels: {app: db}}";
  const containers = "[{name: main, image: i, ports: [{name: sql, containerPort: 5432}]}]";
  const ports = [
    "{name: sql, port: 80, targetPort: sql}",
    "{name: lost, port: 81, targetPort: nope}",
    "{name: dns, port: 53, protocol: UDP}",
  ].join(", ");
  for (const text of [
    `{apiVersion: v1, kind: Pod, ${meta}, spec: {nodeName: host1, containers: ${containers}}}`,
    `{apiVersion: v1, kind: Service, metadata: {name: db, namespace: default}, spec: {selector: {app: db}, ports: [${ports}]}}`,
  ])
    await bench.api.create(objectOf(text));
  await writeStatus(bench, `{apiVersion: v1, kind: Pod, ${meta}, status: {phase: Running, podIP: 10.128.0.2}}`);
});
afterEach(() => bench.close());

// A port of a service that leads to no port of its pod by TCP, and what is told of it.
const refusals = [
  { port: "82", why: 'service "db" has no port 82' },
  { port: "81", why: 'pod "db-0" has no port named nope' },
  { port: "lost", why: 'pod "db-0" has no port named nope' },
  { port: "53", why: 'port 53 of service "db" speaks UDP: only TCP is forwarded' },
];
for (const { port, why } of refusals)
  test(`port-forward to port ${port} of a service is refused: ${why}`, async () => {
    const { code, err } = await bench.run(["port-forward", "svc/db", `:${port}`]);
    expect(code).not.toBe(0);
    expect(err).toContain(`error: ${why}`);
  });
