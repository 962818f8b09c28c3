import { afterEach, expect, test } from "vitest";
import { silentLog } from "../../lib/log.js";
import { seededRng } from "../../lib/rng.js";
import { EndpointSlice } from "../../proto/gen/tallship/v1/endpointslice.js";
import { IngressClass } from "../../proto/gen/tallship/v1/ingress.js";
import { Node } from "../../proto/gen/tallship/v1/node.js";
import { ingressOf, shopService, shopSlice, type TestIngress } from "../../test/kit/ingress-world.js";
import { ManualClock } from "../../test/kit/manual-clock.js";
import { networkMap } from "../../test/kit/network-world.js";
import type { NetworkMap } from "../node-network.js";
import { type IngressState, NodeIngress, type ReadSecret } from "./node-ingress.js";
import { SimulatedProxy } from "./simulated-proxy.js";

const open: NodeIngress[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.stop();
});

interface World {
  readonly ingress: NodeIngress;
  readonly proxy: SimulatedProxy;
  readonly clock: ManualClock;
  readonly applied: number[];
  readonly states: IngressState[];
}

function newWorld(readSecret: ReadSecret = async () => undefined, proxy = new SimulatedProxy()): World {
  const clock = new ManualClock();
  const applied: number[] = [];
  const states: IngressState[] = [];
  const ingress = new NodeIngress({
    nodeName: "node-1",
    site: { dir: "/run/i", addresses: ["*"], httpPort: 80, httpsPort: 443, maxConnections: 100 },
    ...{ proxy, readSecret, clock, rng: seededRng(1), log: silentLog },
    onApplied: (revision) => applied.push(revision),
    onState: (state) => states.push(state),
  });
  open.push(ingress);
  return { ingress, proxy, clock, applied, states };
}

const web: TestIngress = { rules: { "a.example": { "/": "web:80" } } };

interface MapParts {
  readonly ingresses?: readonly TestIngress[];
  readonly endpoints?: readonly string[];
  readonly nodes?: Readonly<Record<string, string>>;
  readonly classes?: Readonly<Record<string, string>>;
}

/** A map in which service web has these endpoints. */
function mapOf(revision: number, parts: MapParts = {}): NetworkMap {
  const { ingresses = [web], endpoints = ["10.128.1.2:8080"], nodes = {}, classes = {} } = parts;
  const label = (value: string) => (value === "" ? {} : { "tallship.dev/ingress": value });
  const node = ([name, value]: readonly [string, string]) =>
    Node.fromPartial({ metadata: { name, labels: label(value) } });
  const made = ingresses.map(ingressOf);
  return {
    ...networkMap(revision, Object.entries({ "node-1": "", ...nodes }).map(node), []),
    services: new Map([["shop/web", shopService("web")]]),
    endpointSlices: new Map<string, EndpointSlice>([["shop/web-a", shopSlice("web", endpoints)]]),
    ingresses: new Map(made.map((each) => [`shop/${each.metadata?.name}`, each])),
    ingressClasses: new Map(
      Object.entries(classes).map(([name, controller]) => [
        name,
        IngressClass.fromPartial({ metadata: { name }, spec: { controller } }),
      ]),
    ),
  };
}

async function give(world: World, map: NetworkMap): Promise<void> {
  world.ingress.setMap(map);
  await world.clock.advance(0);
}

test("there is a proxy while there is an ingress, and every map counts as applied", async () => {
  const world = newWorld();
  await give(world, mapOf(1, { ingresses: [] }));
  expect(world.proxy.text).toBeUndefined();
  await give(world, mapOf(2));
  expect(world.proxy.text?.config).toContain("server s1 10.128.1.2:8080");
  await give(world, mapOf(3, { ingresses: [] }));
  expect(world.proxy.text).toBeUndefined();
  expect(world.applied).toEqual([1, 2, 3]);
  expect(world.states.map(({ is }) => is)).toEqual(["unused", "open", "unused"]);
});

test("endpoints that come and go are told, without another process", async () => {
  const world = newWorld();
  await give(world, mapOf(1));
  await give(world, mapOf(2, { endpoints: ["10.128.1.2:8080", "10.128.2.2:8080"] }));
  await give(world, mapOf(3, { endpoints: ["10.128.2.2:8080"] }));
  expect(world.proxy.starts).toBe(1);
  expect(Object.fromEntries(world.proxy.told)).toEqual({
    "shop_web_80/0": undefined,
    "shop_web_80/1": { ip: "10.128.2.2", port: 8080 },
  });
});

test("pods are asked by the first family of their service, which a service of IPv6 alone has too", async () => {
  for (const [families, want] of [
    [["IPv4", "IPv6"], "server s1 10.128.1.2:8080"],
    [["IPv6", "IPv4"], "server s1 [fd00:10:128:1::a80:102]:8080"],
    [["IPv6"], "server s1 [fd00:10:128:1::a80:102]:8080"],
  ] as const) {
    const world = newWorld();
    const service = shopService("web");
    const six = EndpointSlice.fromPartial({
      ...shopSlice("web", ["unused:8080"]),
      ...{ addressType: "IPv6", endpoints: [{ addresses: ["fd00:10:128:1::a80:102"] }] },
    });
    const map = mapOf(1);
    await give(world, {
      ...map,
      services: new Map([
        ["shop/web", { ...service, ...(service.spec && { spec: { ...service.spec, ipFamilies: [...families] } }) }],
      ]),
      endpointSlices: new Map([...map.endpointSlices, ["shop/web-b", six]]),
    });
    expect(world.proxy.text?.config).toContain(want);
  }
});

test("an agent that starts anew tells the process that runs every place, also empty ones", async () => {
  const first = newWorld();
  await give(first, mapOf(1, { endpoints: ["10.128.1.2:8080", "10.128.2.2:8080"] }));
  const second = newWorld(undefined, first.proxy);
  await give(second, mapOf(2, { endpoints: ["10.128.2.2:8080"] }));
  expect(first.proxy.starts).toBe(1);
  expect([...first.proxy.told.entries()].slice(0, 2)).toEqual([
    ["shop_web_80/0", { ip: "10.128.2.2", port: 8080 }],
    ["shop_web_80/1", undefined],
  ]);
});

test("a proxy that died is started again", async () => {
  const world = newWorld();
  await give(world, mapOf(1));
  world.proxy.text = undefined;
  await world.clock.advance(60_000);
  expect(world.proxy.starts).toBe(2);
});

test("a proxy that is refused is told, keeps nobody waiting, and is tried again", async () => {
  const world = newWorld();
  world.proxy.refusal = "port 80 is taken";
  await give(world, mapOf(5));
  expect(world.states.at(-1)).toEqual({ is: "closed", why: "port 80 is taken" });
  expect(world.applied).toEqual([5]);
  world.proxy.refusal = "";
  await world.clock.advance(60_000);
  expect(world.states.at(-1)).toMatchObject({ is: "open" });
});

test("an ingress that the proxy refuses stops no other, and is tried again when it changes", async () => {
  const world = newWorld();
  const many = Array.from({ length: 20 }, (_, at): TestIngress => {
    return { name: `i${at}`, rules: { [`h${at}.example`]: { "/": `s${at}:80` } } };
  });
  world.proxy.unwanted = "backend shop_s7_80";
  await give(world, mapOf(1, { ingresses: many }));
  expect(world.states.at(-1)).toEqual({
    is: "open",
    problems: ["ingress shop/i7: the proxy refuses it: it has backend shop_s7_80"],
  });
  expect(world.applied).toEqual([1]);
  expect(world.proxy.text?.config.match(/^backend/gm)).toHaveLength(19);
  expect(world.proxy.trials).toBeLessThan(12);
  await give(world, mapOf(2, { ingresses: many.map((each) => (each.name === "i7" ? { ...each, ...web } : each)) }));
  expect(world.states.at(-1)).toEqual({ is: "open", problems: [] });
  expect(world.proxy.text?.config.match(/^backend/gm)).toHaveLength(20);
});

test("an agent that starts anew beside a process that runs without a refused ingress tells that of its endpoints alone", async () => {
  const bad: TestIngress = { name: "bad", rules: { "b.example": { "/": "bad:80" } } };
  const first = newWorld();
  first.proxy.unwanted = "backend shop_bad_80";
  await give(first, mapOf(1, { ingresses: [web, bad] }));
  const second = newWorld(undefined, first.proxy);
  await give(second, mapOf(2, { ingresses: [web, bad], endpoints: ["10.128.2.2:8080"] }));
  expect(first.proxy.starts).toBe(1);
  expect(first.proxy.told.get("shop_web_80/0")).toEqual({ ip: "10.128.2.2", port: 8080 });
  expect(second.states.at(-1)).toMatchObject({ is: "open", problems: [expect.stringMatching("^ingress shop/bad: ")] });
});

test("the only ingress that there is, refused, is told; the entry stays closed", async () => {
  const world = newWorld();
  world.proxy.unwanted = "backend shop_web_80";
  await give(world, mapOf(1));
  expect(world.proxy.text).toBeUndefined();
  expect(world.states.at(-1)).toEqual({
    is: "closed",
    why: "ingress shop/web: the proxy refuses it: it has backend shop_web_80",
  });
  expect(world.applied).toEqual([1]);
});

test("an ingress that is changed to what the proxy refuses goes on as it was", async () => {
  const world = newWorld();
  const other: TestIngress = { name: "other", rules: { "b.example": { "/": "other:80" } } };
  await give(world, mapOf(1, { ingresses: [web, other] }));
  world.proxy.unwanted = "backend shop_bad_80";
  const bad: TestIngress = { rules: { "a.example": { "/": "bad:80" } } };
  await give(world, mapOf(2, { ingresses: [bad, { ...other, rules: { "c.example": { "/": "third:80" } } }] }));
  expect(world.proxy.text?.config).toContain("backend shop_web_80");
  expect(world.proxy.text?.config).toContain("backend shop_third_80");
  expect(world.states.at(-1)).toEqual({
    is: "open",
    problems: ["ingress shop/web: the proxy refuses it, and goes on with it as it was: it has backend shop_bad_80"],
  });
});

test("an ingress that the proxy refuses for its certificate is tried again with the next one", async () => {
  let reads = 0;
  const world = newWorld(async () => {
    reads += 1;
    return undefined;
  });
  world.proxy.unwanted = "backend shop_web_80";
  const other: TestIngress = { name: "other", rules: { "b.example": { "/": "other:80" } } };
  await give(world, mapOf(1, { ingresses: [{ ...web, tls: { cert: ["a.example"] } }, other] }));
  expect(world.proxy.text?.config).not.toContain("backend shop_web_80");
  world.proxy.unwanted = undefined;
  world.ingress.secretsChanged(new Set(["shop/else"]));
  await world.clock.advance(0);
  expect(world.proxy.text?.config).not.toContain("backend shop_web_80");
  world.ingress.secretsChanged(new Set(["shop/cert"]));
  await world.clock.advance(0);
  expect(world.proxy.text?.config).toContain("backend shop_web_80");
  expect(reads).toBeGreaterThan(1);
});

test("a certificate that is missing is told and read again when its secret changes", async () => {
  let values: Record<string, Uint8Array> | undefined;
  let reads = 0;
  const world = newWorld(async () => {
    reads += 1;
    return values;
  });
  await give(world, mapOf(1, { ingresses: [{ ...web, tls: { cert: ["a.example"] } }] }));
  expect(world.states.at(-1)).toEqual({ is: "open", problems: ["secret shop/cert: there is no such secret"] });
  values = { "tls.crt": Buffer.from("x") };
  world.ingress.secretsChanged(new Set(["shop/other"]));
  world.ingress.secretsChanged(new Set(["shop/cert"]));
  await world.clock.advance(0);
  expect(reads).toBe(2);
  expect(world.states.at(-1)).toEqual({ is: "open", problems: ["secret shop/cert: it has no tls.key"] });
});

test.each<readonly [string, MapParts, boolean]>([
  ["a class that nobody has", { ingresses: [{ ...web, className: "nginx" }] }, true],
  ["a class of its own", { ingresses: [{ ...web, className: "t" }], classes: { t: "tallship.dev/ingress" } }, true],
  [
    "another's class",
    { ingresses: [{ ...web, className: "nginx" }], classes: { nginx: "k8s.io/ingress-nginx" } },
    false,
  ],
  ["a node that was taken out", { nodes: { "node-1": "false" } }, false],
  ["a node beside chosen ones", { nodes: { "node-2": "true" } }, false],
  ["a chosen node", { nodes: { "node-1": "true", "node-2": "true" } }, true],
])("whether ingresses are served here: %s", async (_name, parts, isServed) => {
  const world = newWorld();
  await give(world, mapOf(1, parts));
  expect(world.proxy.text !== undefined).toBe(isServed);
});
