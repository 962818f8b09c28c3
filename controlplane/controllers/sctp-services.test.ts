import { afterEach, beforeEach, expect, test } from "vitest";
import { Node } from "../../proto/gen/tallship/v1/node.js";
import { Service } from "../../proto/gen/tallship/v1/service.js";
import { type ControlWorld, controlWorld } from "../../test/kit/control-world.js";
import { sctpServices } from "./sctp-services.js";

let world: ControlWorld;
beforeEach(async () => {
  world = await controlWorld();
  world.run([sctpServices]);
});
afterEach(() => world.stop.abort());

const putNode = (name: string, isLacking: boolean): Promise<void> =>
  world.put({
    kind: "Node",
    object: Node.fromPartial({
      metadata: { name },
      status: { conditions: isLacking ? [{ type: "SCTPUnavailable", status: "True" }] : [] },
    }),
  });
const putService = (name: string, protocol: string): Promise<void> =>
  world.put({
    kind: "Service",
    object: Service.fromPartial({
      metadata: { name, namespace: "default", uid: name },
      spec: { ports: [{ port: 80, protocol }] },
    }),
  });
const told = (name: string): readonly string[] =>
  world.view.get("Service", "default", name)?.status?.conditions.map(({ message }) => message.split(":")[0] ?? "") ??
  [];

test("services with ports of SCTP are told of nodes that lead nobody there, once, and no others are", async () => {
  await putNode("a", false);
  await putService("sctp", "SCTP");
  await putService("web", "TCP");
  await world.converge();
  expect([told("sctp"), told("web"), world.notices]).toEqual([[], [], []]);
  for (const name of ["b", "c", "d", "e"]) await putNode(name, true);
  await world.converge();
  expect(told("sctp")).toEqual(["nodes b, c, d and 1 more"]);
  expect(told("web")).toEqual([]);
  const last = world.notices.at(-1);
  expect(last).toMatchObject({ type: "Warning", reason: "SCTPNotTracked", about: { name: "sctp" } });
  const count = world.notices.length;
  await putNode("a", false);
  await world.converge();
  expect(world.notices.length).toBe(count);
});

test("what is told goes with the port, and with the last such node", async () => {
  await putNode("a", true);
  for (const name of ["one", "two"]) await putService(name, "SCTP");
  await world.converge();
  expect([told("one"), told("two")]).toEqual([["node a"], ["node a"]]);
  await world.edit("Service", "one", (service) => Service.fromPartial({ ...service, spec: { ports: [{ port: 80 }] } }));
  await world.converge();
  expect([told("one"), told("two")]).toEqual([[], ["node a"]]);
  await putNode("a", false);
  await world.converge();
  expect(told("two")).toEqual([]);
});
