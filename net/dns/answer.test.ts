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

// A name means another address to pods of other networks. web's pods are on front and back, cache's one on back alone, db's (headless) on both.
const seen = zoneOf(
  [
    service("web", { clusterIP: "10.96.0.20" }),
    service("db", { clusterIP: "None" }),
    service("plain", { clusterIP: "10.96.0.30" }),
  ].map(([key, each]): [string, Service] => [
    key,
    key !== "shop/web"
      ? each
      : Service.fromPartial({
          ...each,
          status: {
            networkAddresses: [
              { network: "front", address: "10.96.0.20" },
              { network: "back", address: "10.96.0.21" },
            ],
          },
        }),
  ]),
  [
    slice("db", [
      {
        addresses: ["10.64.0.2"],
        hostname: "db-0",
        networks: [
          { name: "front", address: "10.64.0.2" },
          { name: "back", address: "10.64.1.2" },
        ],
      },
      { addresses: ["10.128.0.9"] },
    ]),
  ],
);
seen.setAsker("10.64.0.9", ["shop/front"]);
seen.setAsker("10.64.1.9", ["shop/back"]);
seen.setAsker("10.64.5.9", ["shop/other", "shop/back"]);
seen.setAsker("10.64.6.9", ["blog/back"]);
const front = "10.64.0.9";
const back = "10.64.1.9";
const views: readonly { name: string; asker: string; want: readonly string[] }[] = [
  { name: "web", asker: front, want: ["10.96.0.20"] },
  { name: "web", asker: back, want: ["10.96.0.21"] },
  { name: "web", asker: "10.64.5.9", want: ["10.96.0.21"] },
  // A network of another namespace, and a pod of the cluster's own network alone: they share nothing with it.
  { name: "web", asker: "10.64.6.9", want: ["10.96.0.20"] },
  { name: "web", asker: "10.128.0.3", want: ["10.96.0.20"] },
  { name: "db", asker: back, want: ["10.64.1.2"] },
  { name: "db-0.db", asker: back, want: ["10.64.1.2"] },
  { name: "db", asker: front, want: ["10.64.0.2"] },
  { name: "db", asker: "10.128.0.3", want: ["10.128.0.9"] },
  { name: "plain", asker: back, want: ["10.96.0.30"] },
];
for (const { name, asker, want } of views)
  test(`${name} means ${want.join(", ")} to ${asker}`, () => {
    const question = { name: `${name}.shop.svc.cluster.local`, type: "A", asker };
    expect(data(answerFrom(seen, question, () => true))).toEqual(want);
  });

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
