import { expect, test } from "vitest";
import { EndpointSlice } from "../../proto/gen/tallship/v1/endpointslice.js";
import { Service } from "../../proto/gen/tallship/v1/service.js";
import { answerFrom, type ZoneAnswer } from "./answer.js";
import { namesOf } from "./service-names.js";
import { Zone } from "./zone.js";

const service = (name: string, spec: object): [string, Service] => [
  `shop/${name}`,
  Service.fromPartial({ metadata: { name, namespace: "shop" }, spec }),
];
const slice = (name: string, endpoints: readonly object[]): [string, EndpointSlice] => [
  `shop/${name}-1`,
  EndpointSlice.fromPartial({
    metadata: { name: `${name}-1`, namespace: "shop", labels: { "kubernetes.io/service-name": name } },
    addressType: "IPv4",
    endpoints: endpoints as never,
    ports: [{ name: "sql", port: 5432, protocol: "TCP" }],
  }),
];

function zoneOf(services: readonly [string, Service][], slices: readonly [string, EndpointSlice][] = []): Zone {
  const made = new Zone("cluster.local");
  for (const [key, each] of services) {
    const own = slices.filter(([name]) => name === `${key}-1`).map(([, found]) => found);
    made.set(key, namesOf(key, each, own, "cluster.local"));
  }
  return made;
}

const zone = zoneOf(
  [
    service("web", { clusterIP: "10.96.0.20", ports: [{ name: "http", port: 80, protocol: "TCP" }] }),
    service("db", { clusterIP: "None", ports: [{ name: "sql", port: 5432, protocol: "TCP" }] }),
    service("idle", { clusterIP: "None" }),
    service("far", { type: "ExternalName", externalName: "db.example.com" }),
    service("near", { type: "ExternalName", externalName: "web.shop.svc.cluster.local" }),
  ],
  [
    slice("db", [
      { addresses: ["10.128.0.5"], hostname: "db-0", conditions: { ready: true } },
      { addresses: ["10.128.4.6"], conditions: { ready: true } },
      { addresses: ["10.128.8.7"], conditions: { ready: false } },
    ]),
  ],
);

const ask = (name: string, type = "A"): ZoneAnswer =>
  answerFrom(zone, { name, type }, (address) => address.startsWith("10."));
const data = (answer: ZoneAnswer): unknown =>
  "records" in answer ? answer.records.map((record) => record.data) : answer.is;

const rows: readonly { name: string; type?: string; want: unknown }[] = [
  { name: "web.shop.svc.cluster.local", want: ["10.96.0.20"] },
  { name: "WEB.shop.svc.cluster.LOCAL.", want: ["10.96.0.20"] },
  { name: "web.shop.svc.cluster.local", type: "AAAA", want: [] },
  { name: "nobody.shop.svc.cluster.local", want: "no_such_name" },
  { name: "shop.svc.cluster.local", want: [] },
  { name: "svc.cluster.local", want: [] },
  { name: "example.com", want: "elsewhere" },
  { name: "notcluster.local", want: "elsewhere" },
  { name: "db.shop.svc.cluster.local", want: ["10.128.0.5", "10.128.4.6"] },
  { name: "idle.shop.svc.cluster.local", want: [] },
  { name: "db-0.db.shop.svc.cluster.local", want: ["10.128.0.5"] },
  { name: "10-128-4-6.db.shop.svc.cluster.local", want: ["10.128.4.6"] },
  {
    name: "_http._tcp.web.shop.svc.cluster.local",
    type: "SRV",
    want: [{ port: 80, target: "web.shop.svc.cluster.local" }],
  },
  { name: "_tcp.web.shop.svc.cluster.local", want: [] },
  { name: "10-128-0-5.shop.pod.cluster.local", want: ["10.128.0.5"] },
  { name: "near.shop.svc.cluster.local", want: ["web.shop.svc.cluster.local", "10.96.0.20"] },
  { name: "20.0.96.10.in-addr.arpa", type: "PTR", want: ["web.shop.svc.cluster.local"] },
  { name: "5.0.128.10.in-addr.arpa", type: "PTR", want: ["db-0.db.shop.svc.cluster.local"] },
  { name: "99.0.96.10.in-addr.arpa", type: "PTR", want: "no_such_name" },
  { name: "8.8.8.8.in-addr.arpa", type: "PTR", want: "elsewhere" },
  { name: "constructor.cluster.local", want: "no_such_name" },
];
for (const { name, type, want } of rows)
  test(`${type ?? "A"} ${name}`, () => expect(data(ask(name, type))).toEqual(want));

test("an alias of the outside is followed outside", () => {
  expect(ask("far.shop.svc.cluster.local")).toMatchObject({ is: "alias", target: "db.example.com" });
});

test("aliases that point at each other end", () => {
  const loop = zoneOf([
    service("a", { type: "ExternalName", externalName: "b.shop.svc.cluster.local" }),
    service("b", { type: "ExternalName", externalName: "a.shop.svc.cluster.local" }),
  ]);
  expect(data(answerFrom(loop, { name: "a.shop.svc.cluster.local", type: "A" }, () => false))).toEqual([
    "b.shop.svc.cluster.local",
  ]);
});
