import { afterEach, beforeEach, expect, test } from "vitest";
import { openTsctlBench, type TsctlBench } from "../../test/kit/tsctl-bench.js";
import { fail, objectOf, succeed, writeStatus } from "../../test/kit/tsctl-steps.js";

let bench: TsctlBench;
beforeEach(async () => {
  bench = await openTsctlBench();
  await bench.api.create(objectOf("{apiVersion: v1, kind: Node, metadata: {name: host1}}"));
  await bench.api.create(
    objectOf(
      "{apiVersion: v1, kind: Pod, metadata: {name: asks, namespace: default, labels: {app: asks}}, spec: {nodeName: host1, containers: [{name: main, image: i}]}}",
    ),
  );
  await writeStatus(
    bench,
    "{apiVersion: v1, kind: Pod, metadata: {name: asks, namespace: default}, status: {phase: Running, podIP: 10.128.0.9}}",
  );
});
afterEach(() => bench.close());

const put = async (yaml: string): Promise<void> => {
  await bench.api.create(objectOf(yaml));
};
const service = (spec: string): Promise<void> =>
  put(
    `{apiVersion: v1, kind: Service, metadata: {name: db, namespace: default}, spec: {clusterIP: 10.96.0.20, selector: {app: db}, ports: [{name: sql, port: 5432}]${spec}}}`,
  );
const slice = (endpoints: string): Promise<void> =>
  put(
    `{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: db-1, namespace: default, labels: {kubernetes.io/service-name: db}}, addressType: IPv4, ports: [{name: sql, port: 5432}], endpoints: [${endpoints}]}`,
  );
const endpoint = (name: string, ip: string, node: string, conditions: string): string =>
  `{addresses: [${ip}], nodeName: ${node}, conditions: {${conditions}}, targetRef: {kind: Pod, name: ${name}, namespace: default}}`;

test("net trace tells the element, each endpoint's share, and why others get nothing", async () => {
  await service("");
  await slice(
    [
      endpoint("db-0", "10.128.0.2", "host1", "ready: true"),
      endpoint("db-1", "10.128.4.2", "host2", "ready: true"),
      endpoint("db-2", "10.128.4.3", "host2", "ready: false"),
      endpoint("db-3", "10.128.4.4", "host2", "ready: false, serving: true, terminating: true"),
    ].join(", "),
  );
  expect(await succeed(bench, "net trace asks db:sql")).toBe(
    [
      "from asks (10.128.0.9) on node host1 to service default/db",
      "name: leads to 10.96.0.20",
      "",
      "tcp 10.96.0.20:5432 (sql), the service's own address",
      "  services { 10.96.0.20 . tcp . 5432 : goto pick-2 }",
      "  ENDPOINT          POD    NODE    SEES         CONNECTIONS",
      "  10.128.0.2:5432   db-0   host1   10.128.0.9   50%",
      "  10.128.4.2:5432   db-1   host2   10.128.0.9   50%",
      "  10.128.4.3:5432   db-2   host2   <none>       none: it is not ready",
      "  10.128.4.4:5432   db-3   host2   <none>       none: it is going, and others are ready",
      "",
    ].join("\n"),
  );
});

test("net trace tells what a policy leaves out, and that nothing leads there", async () => {
  await service(", internalTrafficPolicy: Local");
  await slice(endpoint("db-1", "10.128.4.2", "host2", "ready: true"));
  const { out: page, code } = await bench.run(["net", "trace", "asks", "db.default"]);
  expect(code).toBe(1);
  expect(page).toContain("problem: no endpoint takes connections: on another node (internalTrafficPolicy Local)\n");
  expect(page).toContain("no element: connections are refused");
  expect(page).toContain("none: on another node (internalTrafficPolicy Local)");
});

// A policy that selects the client or the endpoint, and what is told of the endpoint.
const policies = [
  {
    spec: "{podSelector: {matchLabels: {app: db}}, ingress: [{from: [{podSelector: {matchLabels: {app: web}}}]}]}",
    want: "selects the endpoint",
  },
  { spec: "{podSelector: {matchLabels: {app: db}}, ingress: [{}]}", want: undefined },
  { spec: "{podSelector: {matchLabels: {app: asks}}, policyTypes: [Egress]}", want: "selects the client" },
];
for (const { spec, want } of policies) {
  test(`net trace tells what the policy ${spec} drops`, async () => {
    await service("");
    await put(
      "{apiVersion: v1, kind: Pod, metadata: {name: db-0, namespace: default, labels: {app: db}}, spec: {nodeName: host2, containers: [{name: main, image: i}]}}",
    );
    await writeStatus(
      bench,
      "{apiVersion: v1, kind: Pod, metadata: {name: db-0, namespace: default}, status: {phase: Running, podIP: 10.128.4.2}}",
    );
    const pod = await bench.api.get("Pod", "default", "db-0");
    const uid = pod?.object.metadata?.uid ?? "";
    await slice(
      endpoint("db-0", "10.128.4.2", "host2", "ready: true").replace("kind: Pod,", `kind: Pod, uid: ${uid},`),
    );
    await put(
      `{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p, namespace: default}, spec: ${spec}}`,
    );
    const { out: page, code } = await bench.run(["net", "trace", "asks", "db"]);
    expect(code).toBe(want === undefined ? 0 : 1);
    expect(page).toContain(want === undefined ? "100%\n" : "100%, all dropped: no network policy that ");
    if (want !== undefined)
      expect(page).toContain(`problem: every connection is dropped: no network policy that ${want}`);
  });
}

test("net trace asks policies for hosts too: of pods elsewhere, not of their own", async () => {
  await put("{apiVersion: v1, kind: Node, metadata: {name: host2}, spec: {podCIDR: 10.128.4.0/22}}");
  for (const name of ["host1", "host2"])
    await writeStatus(
      bench,
      `{apiVersion: v1, kind: Node, metadata: {name: ${name}}, status: {addresses: [{type: InternalIP, address: 192.0.2.1}]}}`,
    );
  const meta = "metadata: {name: db-0, namespace: default, labels: {app: db}}";
  await put(`{apiVersion: v1, kind: Pod, ${meta}, spec: {nodeName: host2, containers: [{name: main, image: i}]}}`);
  await writeStatus(bench, `{apiVersion: v1, kind: Pod, ${meta}, status: {phase: Running, podIP: 10.128.4.2}}`);
  const uid = (await bench.api.get("Pod", "default", "db-0"))?.object.metadata?.uid ?? "";
  await service("");
  await slice(endpoint("db-0", "10.128.4.2", "host2", "ready: true").replace("kind: Pod,", `kind: Pod, uid: ${uid},`));
  await put(
    "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p, namespace: default}, spec: {podSelector: {}}}",
  );
  const { out, code } = await bench.run(["net", "trace", "node/host1", "db"]);
  expect(out).toContain("100%, all dropped: no network policy that selects the endpoint lets the client in");
  expect(code).toBe(1);
  expect(await succeed(bench, "net trace node/host2 db")).not.toContain("dropped");
});

test("net trace tells that nobody has the labels, and of a port that is not there, and fails", async () => {
  await service("");
  const { out, code } = await bench.run(["net", "trace", "node/host1", "db:80"]);
  expect(code).toBe(1);
  expect(out).toContain("problem: the service has no port 80: packets to it are refused; its ports are 5432 (sql)\n");
  expect(out).toContain("problem: the service has no endpoints: no pod has the labels that it selects\n");
});

test("net trace tells whether clients keep their addresses, those from outside too, and if not why", async () => {
  const back = (name: string, leadsBack: boolean): Promise<void> =>
    writeStatus(
      bench,
      `{apiVersion: v1, kind: Node, metadata: {name: ${name}}, status: {addresses: [{type: InternalIP, address: 192.0.2.1}], overlay: {leadsBack: ${leadsBack}}}}`,
    );
  await put("{apiVersion: v1, kind: Node, metadata: {name: host2}, spec: {podCIDR: 10.128.4.0/22}}");
  await back("host1", true);
  await back("host2", true);
  await service(", type: NodePort");
  await slice(endpoint("db-1", "10.128.4.2", "host2", "ready: true"));
  const kept = await succeed(bench, "net trace asks db");
  expect(kept).toMatch(/own address\n.*\n.*\n.* 10\.128\.0\.9 +100%\n\n/);
  expect(kept).toContain("  clients from outside are seen under their own addresses\n");
  await back("host2", false);
  expect(await succeed(bench, "net trace asks db")).toContain(
    "  clients from outside are not seen under their own addresses at 10.128.4.2:5432: node host2 does not lead answers back",
  );
  await writeStatus(
    bench,
    "{apiVersion: v1, kind: Pod, metadata: {name: asks, namespace: default}, status: {phase: Running, podIP: 10.128.4.2}}",
  );
  expect(await succeed(bench, "net trace asks db")).toContain(
    "  not the client's own address at 10.128.4.2:5432: the pod meets itself\n",
  );
});

test("net trace tells of SCTP that the node's kernel does not lead", async () => {
  await writeStatus(
    bench,
    "{apiVersion: v1, kind: Node, metadata: {name: host1}, status: {conditions: [{type: SCTPUnavailable, status: 'True'}]}}",
  );
  await put(
    "{apiVersion: v1, kind: Service, metadata: {name: db, namespace: default}, spec: {clusterIP: 10.96.0.20, selector: {app: db}, ports: [{name: sql, port: 5432, protocol: SCTP}]}}",
  );
  const { out, code } = await bench.run(["net", "trace", "asks", "db"]);
  expect(code).toBe(1);
  expect(out).toContain("problem: the kernel of node host1 does not track connections of SCTP");
});

test("net trace refuses what is not there", async () => {
  expect((await bench.run(["net", "trace", "asks", "nothing"])).err).toContain("no Service/default/nothing");
  expect((await bench.run(["net", "trace", "nobody", "db"])).code).toBe(3);
  await fail(bench, { line: "net trace deploy/web db", code: 2, err: "packets come from a pod or a node" });
});

test("get endpoints shows the ready endpoints of services, as kubectl does", async () => {
  await service("");
  await put(
    "{apiVersion: v1, kind: Service, metadata: {name: none, namespace: default}, spec: {clusterIP: 10.96.0.21, ports: [{port: 80}]}}",
  );
  await slice(
    ["2", "3", "4", "5"]
      .map((last) => endpoint(`db-${last}`, `10.128.0.${last}`, "host1", `ready: ${last !== "5"}`))
      .join(),
  );
  expect((await succeed(bench, "get endpoints")).replace(/ +\S+$/gm, "")).toBe(
    "NAME   ENDPOINTS\ndb     10.128.0.2:5432,10.128.0.3:5432,10.128.0.4:5432\nnone   <none>\n",
  );
  expect((await bench.run(["get", "ep", "db", "lost"])).code).toBe(3);
});

test("ports tells who reaches what", async () => {
  await service(", type: NodePort, externalIPs: [192.0.2.1], externalTrafficPolicy: Local");
  await put(
    "{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: default}, spec: {nodeName: host1, containers: [{name: main, image: i, ports: [{containerPort: 80, hostPort: 8080, hostIP: 127.0.0.1}, {containerPort: 81, hostPort: 8081}]}]}}",
  );
  const backend = "backend: {service: {name: db, port: {number: 5432}}}";
  const http = `http: {paths: [{path: /, pathType: Prefix, ${backend}}]}`;
  for (const name of ["shop", "unserved"])
    await put(
      `{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: ${name}, namespace: default}, spec: {tls: [{hosts: [shop.example], secretName: cert}], rules: [{host: shop.example, ${http}}, {${http}}]}}`,
    );
  await writeStatus(
    bench,
    "{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: shop, namespace: default}, status: {loadBalancer: {ingress: [{ip: 192.0.2.1}]}}}",
  );
  const rows = (await succeed(bench, "ports")).split("\n").map((line) => line.split(/ {2,}/));
  expect(rows.slice(0, -1).map((row) => row.map((cell) => cell.replace(/^3[0-2]\d{3}\//, "NODEPORT/")))).toEqual([
    ["OF", "ADDRESS", "PORT", "FROM"],
    ["svc/db", "10.96.0.20", "5432/TCP", "pods and nodes"],
    ["svc/db", "192.0.2.1", "5432/TCP", "whoever can send it to a node, on nodes that have an endpoint"],
    ["svc/db", "*", "NODEPORT/TCP", "whoever reaches a node, on nodes that have an endpoint"],
    ["pod/web", "127.0.0.1", "8080/TCP", "node host1 itself"],
    ["pod/web", "host1:*", "8081/TCP", "whoever reaches node host1"],
    ["ingress/shop", "*", "80/TCP", "whoever reaches a node that serves it, by HTTP for shop.example, any host"],
    ["ingress/shop", "*", "443/TCP", "whoever reaches a node that serves it, by HTTP for shop.example"],
  ]);
});

test("net trace tells of each network's address, of what the name leads to there, and of networks that the client is not on", async () => {
  await service("");
  const places = (front: string, back: string): string =>
    `, networks: [{name: front, address: ${front}}, {name: back, address: ${back}}]}`;
  await slice(endpoint("db-0", "10.64.0.2", "host1", "ready: true").replace(/}$/, places("10.64.0.2", "10.64.1.2")));
  await writeStatus(
    bench,
    "{apiVersion: v1, kind: Service, metadata: {name: db, namespace: default}, status: {networkAddresses: [{network: front, address: 10.96.0.20}, {network: back, address: 10.96.0.21}]}}",
  );
  await put(
    "{apiVersion: v1, kind: Pod, metadata: {name: inner, namespace: default, annotations: {tallship.dev/networks: back}}, spec: {nodeName: host1, containers: [{name: main, image: i}]}}",
  );
  await writeStatus(
    bench,
    "{apiVersion: v1, kind: Pod, metadata: {name: inner, namespace: default}, status: {phase: Running, podIP: 10.64.1.9}}",
  );
  const page = await succeed(bench, "net trace inner db");
  expect(page).toContain("name: leads to 10.96.0.21\n");
  expect(page).toMatch(/its address on network back\n.*\n.*\n +10\.64\.1\.2:5432 +db-0 +host1 +10\.64\.1\.9 +100%\n/);
  expect(page).toMatch(/10\.64\.0\.2:5432 .*dropped: it is reached on network front, which the client is not on/);
});
