import { afterEach, beforeEach, expect, test } from "vitest";
import { Service } from "../../proto/gen/tallship/v1/service.js";
import { type ControlWorld, controlWorld } from "../../test/kit/control-world.js";
import { contestedFronts } from "./contested-fronts.js";

let world: ControlWorld;
beforeEach(async () => {
  world = await controlWorld();
  world.run([contestedFronts]);
});
afterEach(() => world.stop.abort());

const put = (
  name: string,
  second: number,
  parts: { readonly external?: string[]; readonly announced?: string; readonly port?: number },
) =>
  world.put({
    kind: "Service",
    object: Service.fromPartial({
      metadata: { name, namespace: "default", uid: name, creationTimestamp: `2026-01-31T12:00:0${second}Z` },
      spec: {
        type: parts.announced === undefined ? "ClusterIP" : "LoadBalancer",
        clusterIP: "10.96.0.20",
        externalIPs: parts.external ?? [],
        ports: [{ port: parts.port ?? 80 }],
      },
      status: { loadBalancer: { ingress: parts.announced === undefined ? [] : [{ ip: parts.announced }] } },
    }),
  });
const told = (name: string): readonly string[] =>
  world.view
    .get("Service", "default", name)
    ?.status?.conditions.map(({ type, status, message }) => `${type} ${status}: ${message}`) ?? [];

test("of services with one address and port all but the first are told who has it, by condition and event, until it is theirs", async () => {
  await put("young", 2, { external: ["192.0.2.9"] });
  await world.converge();
  expect([told("young"), world.notices]).toEqual([[], []]);
  await put("old", 1, { announced: "192.0.2.9" });
  await put("b", 2, { external: ["192.0.2.9", "2001:DB8::1"] });
  await put("a", 2, { external: ["2001:db8::1"] });
  await put("other", 2, { external: ["192.0.2.9"], port: 81 });
  await world.converge();
  const lost = "AddressesHeld False: 192.0.2.9:80/TCP leads to Service default/old, which is older";
  expect(told("young")).toEqual([lost]);
  expect(told("b")).toEqual([`${lost}; [2001:db8::1]:80/TCP leads to Service default/a, whose name comes first`]);
  expect([told("old"), told("a"), told("other")]).toEqual([[], [], []]);
  expect(world.notices.filter(({ about }) => about.name === "young")).toMatchObject([
    { type: "Warning", reason: "AddressTaken" },
  ]);
  const count = world.notices.length;
  await world.edit("Service", "old", (service) => Service.fromPartial({ ...service, spec: { ports: [{ port: 82 }] } }));
  await world.converge();
  expect(told("b")).toEqual([
    "AddressesHeld False: [2001:db8::1]:80/TCP leads to Service default/a, whose name comes first",
  ]);
  expect(told("young")).toEqual([
    "AddressesHeld False: 192.0.2.9:80/TCP leads to Service default/b, whose name comes first",
  ]);
  expect(world.notices.length).toBe(count + 2);
});
