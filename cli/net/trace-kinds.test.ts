import { afterEach, beforeEach, expect, test } from "vitest";
import { openTsctlBench, type TsctlBench } from "../../test/kit/tsctl-bench.js";
import { objectOf, succeed, writeStatus } from "../../test/kit/tsctl-steps.js";

let bench: TsctlBench;
beforeEach(async () => {
  bench = await openTsctlBench();
  for (const name of ["host1", "host2"]) await put(`{apiVersion: v1, kind: Node, metadata: {name: ${name}}}`);
  await pod("asks", "10.128.0.9", "host1");
});
afterEach(() => bench.close());

const put = async (yaml: string): Promise<void> => {
  await bench.api.create(objectOf(yaml));
};
const pod = async (name: string, ip: string, node: string): Promise<string> => {
  const meta = `metadata: {name: ${name}, namespace: default, labels: {app: ${name}}}`;
  await put(`{apiVersion: v1, kind: Pod, ${meta}, spec: {nodeName: ${node}, containers: [{name: main, image: i}]}}`);
  await writeStatus(bench, `{apiVersion: v1, kind: Pod, ${meta}, status: {phase: Running, podIP: ${ip}}}`);
  return (await bench.api.get("Pod", "default", name))?.object.metadata?.uid ?? "";
};
const service = (spec: string): Promise<void> =>
  put(
    `{apiVersion: v1, kind: Service, metadata: {name: db, namespace: default}, spec: {selector: {app: db}, ${spec}}}`,
  );
const slice = (ports: string, ...endpoints: readonly string[]): Promise<void> =>
  put(
    `{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: db-1, namespace: default, labels: {kubernetes.io/service-name: db}}, addressType: IPv4, ports: [${ports}], endpoints: [${endpoints.join()}]}`,
  );
const endpoint = (name: string, ip: string, node: string, conditions = "ready: true", uid = ""): string =>
  `{addresses: [${ip}], nodeName: ${node}, conditions: {${conditions}}, targetRef: {kind: Pod, name: ${name}, uid: "${uid}", namespace: default}}`;

test("net trace tells of a headless service which pods its name stands for, and what keeps others out", async () => {
  await service("clusterIP: None, ports: [{name: sql, port: 5432}]");
  await slice(
    "{name: sql, port: 5432}",
    endpoint("db-0", "10.128.0.2", "host1"),
    endpoint("db-1", "10.128.4.2", "host2"),
    endpoint("db-2", "10.128.4.3", "host2", "ready: false"),
  );
  expect(await succeed(bench, "net trace asks db:sql")).toBe(
    [
      "from asks (10.128.0.9) on node host1 to service default/db",
      "name: leads to 10.128.0.2, 10.128.4.2",
      "",
      "tcp *:5432 (sql), the pods themselves, by the service's name",
      "  ENDPOINT          POD    NODE    SEES         CONNECTIONS",
      "  10.128.0.2:5432   db-0   host1   10.128.0.9   50%",
      "  10.128.4.2:5432   db-1   host2   10.128.0.9   50%",
      "  10.128.4.3:5432   db-2   host2   <none>       none: it is not ready",
      "",
    ].join("\n"),
  );
});

test("net trace asks policies of a headless service's pods, at the port that the client names", async () => {
  await service("clusterIP: None");
  const uid = await pod("db", "10.128.4.2", "host2");
  await slice("", endpoint("db", "10.128.4.2", "host2", "ready: true", uid));
  const ports = "[{protocol: TCP, port: 5432}]";
  await put(
    `{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p, namespace: default}, spec: {podSelector: {matchLabels: {app: db}}, ingress: [{ports: ${ports}}]}}`,
  );
  expect(await succeed(bench, "net trace asks db")).toContain("any port, the pods themselves");
  expect(await succeed(bench, "net trace asks db:5432")).toContain(
    "10.128.4.2:5432   db    host2   10.128.0.9   100%\n",
  );
  const { out, code } = await bench.run(["net", "trace", "asks", "db:80"]);
  expect(code).toBe(1);
  expect(out).toContain("problem: every connection is dropped: no network policy that selects the endpoint");
});

test("net trace says that a headless service translates no ports", async () => {
  await service("clusterIP: None, ports: [{port: 80, targetPort: 8080}]");
  await slice("{port: 8080}", endpoint("db-0", "10.128.0.2", "host1"));
  expect(await succeed(bench, "net trace asks db:80")).toContain(
    "  a headless service translates no ports: its pods are asked at 80, and say 8080\n",
  );
});

test("net trace says that pods name other ports than the one that they are asked at", async () => {
  await service("clusterIP: 10.96.0.20, ports: [{port: 80, targetPort: 9999}]");
  const meta = "metadata: {name: db-0, namespace: default, labels: {app: db}}";
  const containers = "[{name: main, image: i, ports: [{containerPort: 8080}, {containerPort: 53, protocol: UDP}]}]";
  await put(`{apiVersion: v1, kind: Pod, ${meta}, spec: {nodeName: host1, containers: ${containers}}}`);
  await slice("{port: 9999}", endpoint("db-0", "10.128.0.2", "host1"));
  expect(await succeed(bench, "net trace asks db")).toContain(
    "  no container names the port that its pods are asked at; they name 8080\n",
  );
});

test("net trace fails when no endpoint is ready", async () => {
  await service("clusterIP: 10.96.0.20, ports: [{port: 80}]");
  await slice("{port: 80}", endpoint("db-0", "10.128.0.2", "host1", "ready: false"));
  const { out, code } = await bench.run(["net", "trace", "asks", "db"]);
  expect(code).toBe(1);
  expect(out).toContain("problem: no endpoint takes connections: it is not ready\n");
});

test("net trace tells what becomes of clients from outside under externalTrafficPolicy Local, by the node's port too", async () => {
  await service(
    "clusterIP: 10.96.0.20, type: NodePort, externalTrafficPolicy: Local, ports: [{port: 80, nodePort: 30080}]",
  );
  await slice("{port: 80}", endpoint("db-0", "10.128.4.2", "host2"));
  expect(await succeed(bench, "net trace asks db:30080")).toContain(
    "  clients from outside who ask this node are dropped: it has no endpoint that is ready (externalTrafficPolicy Local), and there are some on host2\n",
  );
  expect(await succeed(bench, "net trace node/host2 db:30080")).toContain(
    "  clients from outside are seen under their own addresses\n",
  );
});

test("net trace tells whom a load balancer lets in, and how long clients keep their endpoint", async () => {
  await service(
    "clusterIP: 10.96.0.20, type: LoadBalancer, loadBalancerSourceRanges: [192.0.2.0/24], sessionAffinity: ClientIP, sessionAffinityConfig: {clientIP: {timeoutSeconds: 60}}, ports: [{port: 80}]",
  );
  await writeStatus(
    bench,
    "{apiVersion: v1, kind: Service, metadata: {name: db, namespace: default}, status: {loadBalancer: {ingress: [{ip: 198.51.100.7}]}}}",
  );
  await slice("{port: 80}", endpoint("db-0", "10.128.0.2", "host1"));
  const page = await succeed(bench, "net trace asks db");
  expect(page).toContain("  of clients from outside it lets in 192.0.2.0/24 (loadBalancerSourceRanges)\n");
  expect(page).toContain(
    "  a client keeps its endpoint until 60 s after its last connection (sessionAffinity ClientIP)\n",
  );
});
