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

const HERE = { domain: "cluster.local", nodeName: "node-1" };

function zoneOf(services: readonly [string, Service][], slices: readonly [string, EndpointSlice][] = []): Zone {
  const made = new Zone("cluster.local");
  for (const [key, each] of services) {
    const own = slices.filter(([name]) => name === `${key}-1`).map(([, found]) => found);
    made.set(key, namesOf(key, each, own, HERE));
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
    service("nearer", { type: "ExternalName", externalName: "near.shop.svc.cluster.local" }),
    service("farther", { type: "ExternalName", externalName: "far.shop.svc.cluster.local" }),
    service("lost", { type: "ExternalName", externalName: "nobody.shop.svc.cluster.local" }),
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
  {
    name: "nearer.shop.svc.cluster.local",
    want: ["near.shop.svc.cluster.local", "web.shop.svc.cluster.local", "10.96.0.20"],
  },
  { name: "nearer.shop.svc.cluster.local", type: "CNAME", want: ["near.shop.svc.cluster.local"] },
  { name: "lost.shop.svc.cluster.local", want: ["nobody.shop.svc.cluster.local"] },
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
    service("store", { clusterIP: "None" }),
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
    slice("store", [
      { addresses: ["10.64.0.3"], networks: [{ name: "front", address: "10.64.0.3" }] },
      { addresses: ["10.64.1.4"], networks: [{ name: "back", address: "10.64.1.4" }] },
      {
        addresses: ["10.64.0.5"],
        networks: [
          { name: "front", address: "10.64.0.5" },
          { name: "back", address: "10.64.1.5" },
        ],
      },
    ]),
  ],
);
seen.setAsker("10.64.7.9", ["shop/back", "shop/front"]);
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
  // Of three that have the name all are reached by who shares both networks with them, each once, by the asker's first.
  { name: "store", asker: "10.64.7.9", want: ["10.64.0.3", "10.64.1.4", "10.64.1.5"] },
  { name: "store", asker: front, want: ["10.64.0.3", "10.64.0.5"] },
];
for (const { name, asker, want } of views)
  test(`${name} means ${want.join(", ")} to ${asker}`, () => {
    const question = { name: `${name}.shop.svc.cluster.local`, type: "A", asker };
    expect(data(answerFrom(seen, question, () => true))).toEqual(want);
  });

test("an alias of the outside is followed outside", () => {
  expect(ask("far.shop.svc.cluster.local")).toMatchObject({ is: "alias", target: "db.example.com" });
});

test("an alias of an alias of the outside is followed outside, with both", () => {
  const answer = ask("farther.shop.svc.cluster.local");
  expect(answer).toMatchObject({ is: "alias", target: "db.example.com" });
  expect(data(answer)).toEqual(["far.shop.svc.cluster.local", "db.example.com"]);
});

test("a chain of aliases is followed for so long, however long it is", () => {
  const names = Array.from({ length: 20 }, (_, at) => `a${at}`);
  const chain = zoneOf(
    names.map((name, at) => service(name, { type: "ExternalName", externalName: `a${at + 1}.shop.svc.cluster.local` })),
  );
  const answer = answerFrom(chain, { name: "a0.shop.svc.cluster.local", type: "A" }, () => false);
  expect(data(answer)).toHaveLength(10);
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

const both = zoneOf([
  service("web", {
    clusterIP: "10.96.0.20",
    clusterIPs: ["10.96.0.20", "fd00:10:96::20"],
    ports: [{ name: "http", port: 80, protocol: "TCP" }],
  }),
  service("six", { clusterIP: "fd00:10:96::21", clusterIPs: ["fd00:10:96::21"] }),
]);
const [dbKey, db] = service("db", { clusterIP: "None" });
const ipv6Slice = ([key, made]: [string, EndpointSlice]): EndpointSlice =>
  EndpointSlice.fromPartial({ ...made, metadata: { ...made.metadata, name: `${key}-6` }, addressType: "IPv6" });
both.set(
  dbKey,
  namesOf(
    dbKey,
    db,
    [
      slice("db", [{ addresses: ["10.128.0.5"], hostname: "db-0" }, { addresses: ["10.128.4.6"] }])[1],
      ipv6Slice(
        slice("db", [{ addresses: ["fd00::a80:5"], hostname: "db-0" }, { addresses: ["fd00:0:0:1::a80:406"] }]),
      ),
    ],
    HERE,
  ),
);
const nibbles = (address: string): string => `${[...address.replaceAll(":", "")].reverse().join(".")}.ip6.arpa`;

const dualRows: readonly { name: string; type: string; want: unknown }[] = [
  { name: "web.shop.svc.cluster.local", type: "A", want: ["10.96.0.20"] },
  { name: "web.shop.svc.cluster.local", type: "AAAA", want: ["fd00:10:96::20"] },
  { name: "six.shop.svc.cluster.local", type: "A", want: [] },
  { name: "six.shop.svc.cluster.local", type: "AAAA", want: ["fd00:10:96::21"] },
  { name: "db.shop.svc.cluster.local", type: "AAAA", want: ["fd00::a80:5", "fd00:0:0:1::a80:406"] },
  { name: "db-0.db.shop.svc.cluster.local", type: "A", want: ["10.128.0.5"] },
  { name: "db-0.db.shop.svc.cluster.local", type: "AAAA", want: ["fd00::a80:5"] },
  { name: "fd00-0-0-1--a80-406.db.shop.svc.cluster.local", type: "AAAA", want: ["fd00:0:0:1::a80:406"] },
  { name: nibbles("fd00:0010:0096:0000:0000:0000:0000:0020"), type: "PTR", want: ["web.shop.svc.cluster.local"] },
  { name: nibbles("fd00:0000:0000:0000:0000:0000:0a80:0005"), type: "PTR", want: ["db-0.db.shop.svc.cluster.local"] },
  { name: nibbles("fd00:0000:0000:0000:0000:0000:0a80:0099"), type: "PTR", want: "no_such_name" },
  { name: nibbles("2001:0db8:0000:0000:0000:0000:0000:0001"), type: "PTR", want: "elsewhere" },
  { name: "1.0.ip6.arpa", type: "PTR", want: "elsewhere" },
  { name: "fd00--a80-5.shop.pod.cluster.local", type: "AAAA", want: ["fd00::a80:5"] },
  { name: "fd00--a80-5.shop.pod.cluster.local", type: "A", want: [] },
  { name: "2001-db8--1.shop.pod.cluster.local", type: "AAAA", want: "no_such_name" },
];
for (const { name, type, want } of dualRows) {
  test(`of both families: ${name} ${type}`, () => {
    expect(data(answerFrom(both, { name, type }, (address) => /^(10\.|fd00:)/.test(address)))).toEqual(want);
  });
}

test("a host of both families has one service record, and both addresses come with it", () => {
  const answer = answerFrom(both, { name: "_sql._tcp.db.shop.svc.cluster.local", type: "SRV" }, () => true);
  if (answer.is !== "records") throw new Error(answer.is);
  const targets = answer.records.map((record) => (record.type === "SRV" ? record.data.target : ""));
  expect(targets.filter((target) => target.startsWith("db-0."))).toHaveLength(1);
  expect(answer.additional.filter(({ name }) => name.startsWith("db-0.")).map(({ data: ip }) => ip)).toEqual([
    "10.128.0.5",
    "fd00::a80:5",
  ]);
});
