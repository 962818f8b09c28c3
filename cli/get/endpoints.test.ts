import { afterEach, beforeEach, expect, test } from "vitest";
import { openTsctlBench, type TsctlBench } from "../../test/kit/tsctl-bench.js";
import { fail, objectOf, succeed } from "../../test/kit/tsctl-steps.js";

let bench: TsctlBench;
beforeEach(async () => {
  bench = await openTsctlBench();
  const endpoint = (ip: string, conditions: string): string =>
    `{addresses: [${ip}], nodeName: host1, conditions: {${conditions}}, targetRef: {kind: Pod, name: db-${ip.at(-1)}, namespace: default}}`;
  const slice = (name: string, family: string, endpoints: readonly string[]): string =>
    `{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: ${name}, namespace: default, labels: {kubernetes.io/service-name: db}}, addressType: ${family}, ports: [{name: sql, port: 5432}], endpoints: [${endpoints.join()}]}`;
  const going = "ready: false, serving: true, terminating: true";
  for (const text of [
    "{apiVersion: v1, kind: Service, metadata: {name: db, namespace: default, labels: {app: db}}, spec: {ports: [{name: sql, port: 80, targetPort: 5432}]}}",
    "{apiVersion: v1, kind: Service, metadata: {name: none, namespace: default}, spec: {ports: [{port: 80}]}}",
    slice("db-1", "IPv4", [endpoint("10.128.0.2", "ready: true"), endpoint("10.128.0.3", "ready: false")]),
    slice("db-2", "IPv4", [endpoint("10.128.0.4", "ready: true"), endpoint("10.128.0.5", going)]),
    slice("db-3", "IPv6", [endpoint('"fd00::2"', "ready: true")]),
  ])
    await bench.api.create(objectOf(text));
  await bench.api.caughtUp();
});
afterEach(() => bench.close());

test("get endpoints prints Kubernetes' form of them, by which scripts read addresses: of one family, without those that go", async () => {
  const text = await succeed(bench, "get endpoints db -o json");
  const { kind, metadata, subsets } = JSON.parse(text);
  expect([kind, metadata.name, metadata.labels]).toEqual(["Endpoints", "db", { app: "db" }]);
  const address = (ip: string) => {
    return { ip, nodeName: "host1", targetRef: { kind: "Pod", name: `db-${ip.at(-1)}`, namespace: "default" } };
  };
  expect(subsets).toEqual([
    {
      addresses: [address("10.128.0.2"), address("10.128.0.4")],
      notReadyAddresses: [address("10.128.0.3")],
      ports: [{ name: "sql", port: 5432, protocol: "TCP" }],
    },
  ]);
  const path = "{.subsets[*].addresses[*].ip}";
  expect(await succeed(bench, `get ep db -o jsonpath=${path}`)).toBe("10.128.0.2 10.128.0.4");
  expect(await succeed(bench, "get ep -o name")).toBe("endpoints/db\nendpoints/none\n");
  expect(JSON.parse(await succeed(bench, "get ep -o json"))).toMatchObject({
    kind: "List",
    items: [{}, { subsets: [] }],
  });
});

test("describe endpoints tells of each service's what kubectl tells", async () => {
  const page = await succeed(bench, "describe endpoints db");
  expect(page.split(/^Created:.*\n/m)[1]).toBe(`Subsets:
  Addresses:          10.128.0.2,10.128.0.4
  NotReadyAddresses:  10.128.0.3
  Ports:
    Name   Port   Protocol
    ----   ----   --------
    sql    5432   TCP
`);
  expect(await succeed(bench, "describe ep/none")).toMatch(/Subsets: +<none>\n$/);
  await fail(bench, { line: "describe endpoints lost", code: 3, err: "lost" });
});

test("endpoints that are not there are no failure when that is said, and are not watched", async () => {
  expect(await succeed(bench, "get endpoints lost --ignore-not-found")).toBe("");
  await fail(bench, { line: "get endpoints -w", code: 2, err: "the objects are endpointslices" });
});
