import fc from "fast-check";
import { expect, test } from "vitest";
import { silentLog } from "../../lib/log.js";
import { ManualClock } from "../../test/kit/manual-clock.js";
import { networkMap, type TestService } from "../../test/kit/network-world.js";
import type { NetworkMap } from "../node-network.js";
import { NamesReader } from "./names-log.js";
import { type NamesFile, namePublisher } from "./publish-names.js";
import { namesOf } from "./service-names.js";
import { Zone } from "./zone.js";

/** A file in memory, and what a reader of it knows. */
class MemoryFile implements NamesFile {
  text = "";
  writes: string[] = [];
  refusals = 0;

  replace(lines: Iterable<string>): void {
    this.mayRefuse();
    this.text = [...lines].join("");
    this.writes.push("whole");
  }

  append(lines: string): void {
    this.mayRefuse();
    this.text += lines;
    this.writes.push(lines);
  }

  zone(): Zone {
    const zone = new Zone("cluster.local");
    new NamesReader(zone).push(this.text);
    return zone;
  }

  private mayRefuse(): void {
    if (this.refusals === 0) return;
    this.refusals -= 1;
    throw new Error("no space left");
  }
}

interface World {
  readonly file: MemoryFile;
  readonly publish: (map: NetworkMap) => Promise<void>;
  readonly setAskers: (askers: ReadonlyMap<string, readonly string[]>) => Promise<void>;
}

function world(): World {
  const file = new MemoryFile();
  const clock = new ManualClock();
  const publisher = namePublisher({ clusterDomain: "cluster.local", nodeName: "node-1", file, clock, log: silentLog });
  return {
    file,
    setAskers: async (askers) => {
      publisher.setAskers(askers);
      await clock.advance(2_000);
    },
    publish: async (map) => {
      publisher.publish(map);
      await clock.advance(2_000);
    },
  };
}

const web = (change: Partial<TestService> = {}): TestService => ({
  name: "web",
  clusterIP: "10.96.1.1",
  ports: [{ name: "http", port: 80 }],
  ...change,
});
const NAME = "web.default.svc.cluster.local";

test("the first map is a whole file, and a change is the line of the service that changed", async () => {
  const { file, publish } = world();
  await publish(networkMap(1, [], [web(), web({ name: "b", clusterIP: "10.96.1.2" })]));
  await publish(networkMap(2, [], [web({ clusterIP: "10.96.1.9" }), web({ name: "b", clusterIP: "10.96.1.2" })]));
  expect(file.writes.length).toBe(2);
  expect(file.writes[1]).toMatch(/^\["default\/web".*\n$/);
  expect(file.zone().entry(NAME)?.a).toEqual(["10.96.1.9"]);
});

test("an endpoint's change behind a virtual address writes nothing, behind a headless service its line", async () => {
  const { file, publish } = world();
  const headless = (endpoint: string): TestService => web({ name: "db", clusterIP: "None", endpoints: [endpoint] });
  await publish(networkMap(1, [], [web({ endpoints: ["10.128.5.2"] }), headless("10.128.5.3")]));
  await publish(networkMap(2, [], [web({ endpoints: ["10.128.5.9"] }), headless("10.128.5.3")]));
  expect(file.writes).toEqual(["whole"]);
  await publish(networkMap(3, [], [web({ endpoints: ["10.128.5.9"] }), headless("10.128.5.4")]));
  expect(file.writes.length).toBe(2);
  expect(file.zone().entry("db.default.svc.cluster.local")?.a).toEqual(["10.128.5.4"]);
});

test("who asks from other networks is told as pods come and go, and is part of a file that is written anew", async () => {
  const { file, publish, setAskers } = world();
  await setAskers(new Map([["10.64.1.9", ["x/back"]]]));
  expect(file.writes).toEqual([]);
  const networkAddresses = { front: "10.96.1.1", back: "10.96.1.2" };
  await publish(networkMap(1, [], [web({ networkAddresses, namespace: "x" })]));
  const meant = (asker: string) => file.zone().entry("web.x.svc.cluster.local", asker)?.a;
  expect(meant("10.64.1.9")).toEqual(["10.96.1.2"]);
  await setAskers(new Map([["10.64.1.8", ["x/back"]]]));
  expect(file.writes.length).toBe(2);
  expect([meant("10.64.1.9"), meant("10.64.1.8")]).toEqual([["10.96.1.1"], ["10.96.1.2"]]);
});

test("on a bridge network a headless name leads to this node's pods alone, on another that is shared to all, and nowhere when there is neither", async () => {
  const { file, publish, setAskers } = world();
  const side = (host: string): string => `bridge-side=10.64.1.${host}`;
  const endpoints = [`10.128.1.2+${side("2")}+back=10.64.2.2`, `10.128.2.2+${side("66")}+back=10.64.2.66`];
  const apart = [`10.128.2.3+${side("67")}`];
  await publish(
    networkMap(
      1,
      [],
      [
        web({ clusterIP: "None", namespace: "x", endpoints }),
        web({ name: "far", clusterIP: "None", namespace: "x", endpoints: apart }),
      ],
    ),
  );
  await setAskers(
    new Map([
      ["10.64.1.9", ["x/bridge-side"]],
      ["10.64.1.8", ["x/bridge-side", "x/back"]],
    ]),
  );
  const meant = (name: string, asker: string) => file.zone().entry(`${name}.x.svc.cluster.local`, asker)?.a;
  expect(meant("web", "10.64.1.9")).toEqual(["10.64.1.2"]);
  expect(meant("web", "10.64.1.8")).toEqual(["10.64.1.2", "10.64.2.66"]);
  expect(meant("far", "10.64.1.9")).toEqual([]);
  expect(meant("10-128-2-2.web", "10.64.1.8")).toEqual(["10.64.2.66"]);
  expect(meant("web", "10.128.1.7")).toEqual(["10.128.1.2", "10.128.2.2"]);
});

test("a name leads to addresses of IPv6 on the networks that have them, those of a headless service and of one with its own", async () => {
  const { file, publish, setAskers } = world();
  const endpoints = [
    "10.128.1.2+default=10.128.1.2+back=10.64.2.2",
    "fd00:10:128:1::2+default=fd00:10:128:1::2+back=fd00:64::2",
    "10.128.2.2+default=10.128.2.2+plain=10.64.3.66",
    "fd00:10:128:2::2+default=fd00:10:128:2::2",
  ];
  const virtual = {
    networkAddresses: {
      default: ["10.96.1.1", "fd00:10:96::1"],
      back: ["10.96.1.2", "fd00:10:96::2"],
      plain: "10.96.1.3",
    },
    spec: { clusterIPs: ["10.96.1.1", "fd00:10:96::1"] },
  };
  await publish(
    networkMap(
      1,
      [],
      [
        web({ clusterIP: "None", namespace: "x", endpoints }),
        web({ name: "own", namespace: "x", endpoints, ...virtual }),
      ],
    ),
  );
  await setAskers(
    new Map([
      ["10.64.2.9", ["x/back"]],
      ["10.64.3.9", ["x/plain"]],
    ]),
  );
  const meant = (name: string, asker: string) => {
    const { a, aaaa } = file.zone().entry(`${name}.x.svc.cluster.local`, asker) ?? {};
    return [a, aaaa];
  };
  expect(meant("web", "10.64.2.9")).toEqual([["10.64.2.2"], ["fd00:64::2"]]);
  expect(meant("web", "10.64.3.9")).toEqual([["10.64.3.66"], undefined]);
  expect(meant("web", "10.128.9.9")).toEqual([
    ["10.128.1.2", "10.128.2.2"],
    ["fd00:10:128:1::2", "fd00:10:128:2::2"],
  ]);
  expect(meant("own", "10.128.9.9")).toEqual([["10.96.1.1"], ["fd00:10:96::1"]]);
  expect(meant("own", "10.64.2.9")).toEqual([["10.96.1.2"], ["fd00:10:96::2"]]);
  expect(meant("own", "10.64.3.9")).toEqual([["10.96.1.3"], undefined]);
  expect(file.zone().nameOf("fd00:10:96::2")).toBe("own.x.svc.cluster.local");
  expect(file.zone().nameOf("fd00:64::2")).toBe("fd00-10-128-1--2.web.x.svc.cluster.local");
});

test("a write that fails is made up for by a whole file", async () => {
  const { file, publish } = world();
  await publish(networkMap(1, [], [web()]));
  file.refusals = 1;
  await publish(networkMap(2, [], [web({ clusterIP: "10.96.1.9" })]));
  expect(file.writes).toEqual(["whole", "whole"]);
  expect(file.zone().entry(NAME)?.a).toEqual(["10.96.1.9"]);
});

test("a file of mostly old lines is replaced, so that it stays small", async () => {
  const { file, publish } = world();
  for (let round = 0; round < 3_000; round += 1)
    await publish(networkMap(round, [], [web({ clusterIP: `10.96.${round >> 8}.${round & 255}` })]));
  expect(file.text.length).toBeLessThan(400_000);
  expect(file.writes.filter((write) => write === "whole").length).toBeGreaterThan(1);
});

test("after any sequence of maps the reader knows exactly the last map's names", async () => {
  const service = fc.record({
    name: fc.constantFrom("a", "b"),
    namespace: fc.constantFrom("x", "y"),
    clusterIP: fc.constantFrom("10.96.1.1", "10.96.1.2", "None", ""),
    type: fc.constantFrom("ClusterIP", "ExternalName"),
    externalName: fc.constantFrom("", "Example.com."),
    ports: fc.constantFrom([], [{ name: "http", port: 80 }]),
    endpoints: fc.subarray(["10.128.5.2/h", "10.128.5.3", "-10.128.5.4"]),
  });
  const maps = fc.array(
    fc.uniqueArray(service, { selector: (each) => `${each.namespace}/${each.name}`, maxLength: 3 }),
    { minLength: 1, maxLength: 5 },
  );
  await fc.assert(
    fc.asyncProperty(maps, async (sequence) => {
      const { file, publish } = world();
      for (const services of sequence) await publish(networkMap(1, [], services));
      const last = networkMap(1, [], sequence.at(-1) ?? []);
      const fresh = new Zone("cluster.local");
      for (const [key, each] of last.services)
        fresh.set(
          key,
          namesOf(
            key,
            each,
            [...last.endpointSlices].flatMap(([name, slice]) => (name === `${key}-a` ? [slice] : [])),
            { domain: "cluster.local", nodeName: "node-1" },
          ),
        );
      const names = ["a.x", "a.y", "b.x", "b.y", "h.a.x", "10-128-5-3.b.y", "_http._tcp.a.x", "_tcp.a.x", "x", "y"];
      const known = file.zone();
      for (const name of names)
        expect(known.entry(`${name}.svc.cluster.local`)).toEqual(fresh.entry(`${name}.svc.cluster.local`));
      for (const address of ["10.96.1.1", "10.96.1.2", "10.128.5.2", "10.128.5.3", "10.128.5.4"])
        expect(known.nameOf(address) === undefined).toBe(fresh.nameOf(address) === undefined);
      expect(known.nameCount).toBe(fresh.nameCount);
    }),
    { numRuns: 200 },
  );
});
