import { expect, test } from "vitest";
import { NETWORKS } from "../../../kinds/network.js";
import { Network } from "../../../proto/gen/tallship/v1/network.js";
import { Node } from "../../../proto/gen/tallship/v1/node.js";
import { Pod } from "../../../proto/gen/tallship/v1/pod.js";
import type { ControlWorld } from "../../../test/kit/control-world.js";
import { worldOfTest } from "../../../test/kit/world-of-test.js";
import { networkController } from "./network-controller.js";

async function newWorld(subnet = "10.64.0.0/24"): Promise<ControlWorld> {
  const world = await worldOfTest();
  world.run([networkController]);
  for (const name of ["a", "b", "c"])
    await world.put({ kind: "Node", object: Node.fromPartial({ metadata: { name } }) });
  const metadata = { name: "back", namespace: "default" };
  await world.put({
    kind: "Network",
    object: Network.fromPartial({ metadata, spec: { subnet, nodePrefixLength: 25 } }),
  });
  return world;
}

const putPod = (world: ControlWorld, name: string, nodeName: string, networks = "default,back"): Promise<void> =>
  world.put({
    kind: "Pod",
    object: Pod.fromPartial({
      metadata: { name, namespace: "default", annotations: { [NETWORKS]: networks } },
      spec: { nodeName },
    }),
  });

const shares = (world: ControlWorld): readonly string[] =>
  (world.view.get("Network", "default", "back")?.status?.slices ?? []).map(
    ({ nodeName, cidr }) => `${nodeName} ${cidr}`,
  );

test("a node has its share once a pod of the network is bound to it; pods of other networks get none", async () => {
  const world = await newWorld();
  await putPod(world, "waiting", "");
  await putPod(world, "other", "b", "default");
  await world.converge();
  expect(shares(world)).toEqual([]);
  await putPod(world, "one", "b");
  await world.converge();
  expect(shares(world)).toEqual(["b 10.64.0.0/25"]);
  expect(world.view.get("Network", "default", "back")?.status?.pods).toBe(2);
});

test("when there are more nodes with pods than shares, the condition names those without", async () => {
  const world = await newWorld();
  for (const node of ["a", "b", "c"]) await putPod(world, `on-${node}`, node);
  await world.converge();
  const [condition] = world.view.get("Network", "default", "back")?.status?.conditions ?? [];
  expect(condition).toMatchObject({
    status: "False",
    reason: "SubnetExhausted",
    message: "10.64.0.0/24 has no /25 left for c: 2 nodes have one",
  });
});

// What is preferred may not come to be: the condition says why, and nothing is said where nothing was asked.
for (const [name, spec, want] of [
  ["both", { subnets: ["10.64.0.0/24", "fd00:1::/64"], ipFamilyPolicy: "PreferDualStack" }, "True BothFamilies"],
  ["cluster", { ipFamilyPolicy: "PreferDualStack" }, "False SingleStack"],
  ["silent", {}, undefined],
] as const)
  test(`a network says whether it came to have both families: ${name}`, async () => {
    const world = await newWorld();
    await world.edit("Network", "back", (network) =>
      Network.fromPartial({ ...network, spec: { subnet: "10.64.0.0/24", ...structuredClone<object>(spec) } }),
    );
    await world.converge();
    const found = world.view
      .get("Network", "default", "back")
      ?.status?.conditions.find(({ type }) => type === "DualStack");
    expect(found && `${found.status} ${found.reason}`).toBe(want);
  });

test("a network that is deleted stays until its last pod is gone", async () => {
  const world = await newWorld();
  await putPod(world, "one", "a");
  await world.converge();
  await world.edit("Network", "back", (network) => ({
    ...network,
    ...(network.metadata === undefined
      ? {}
      : { metadata: { ...network.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" } }),
  }));
  await world.converge();
  expect(shares(world)).toEqual(["a 10.64.0.0/25"]);
  await world.drop({ kind: "Pod", namespace: "default", name: "one" });
  await world.converge();
  expect(world.view.get("Network", "default", "back")).toBeUndefined();
});
