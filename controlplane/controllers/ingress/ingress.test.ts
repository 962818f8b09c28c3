import { expect, test } from "vitest";
import { IngressClass } from "../../../proto/gen/tallship/v1/ingress.js";
import { Node } from "../../../proto/gen/tallship/v1/node.js";
import type { ControlWorld } from "../../../test/kit/control-world.js";
import { ingressOf } from "../../../test/kit/ingress-world.js";
import { worldOfTest } from "../../../test/kit/world-of-test.js";
import { ingress } from "./ingress.js";

async function newWorld(): Promise<ControlWorld> {
  const world = await worldOfTest();
  world.run([ingress]);
  for (const at of [1, 2]) await putNode(world, at, "True");
  await world.put({ kind: "Ingress", object: ingressOf({ rules: { h: { "/": "web:80" } }, className: "any" }) });
  await world.converge();
  return world;
}

const putNode = (world: ControlWorld, at: number, entry: string, label = ""): Promise<void> =>
  world.put({
    kind: "Node",
    object: Node.fromPartial({
      metadata: { name: `node-${at}`, labels: label === "" ? {} : { "tallship.dev/ingress": label } },
      status: {
        addresses: [`192.0.2.${at}`, `2001:db8::${at}`, `2001:db8::${at}:9`].map((address) => ({
          type: "InternalIP",
          address,
        })),
        conditions: [
          { type: "Ready", status: "True" },
          { type: "IngressReady", status: entry },
        ],
      },
    }),
  });

function addresses(world: ControlWorld): readonly string[] {
  return (world.view.get("Ingress", "shop", "web")?.status?.loadBalancer?.ingress ?? []).map(({ ip }) => ip);
}

test("an ingress has an address of each family of the nodes whose entry is open", async () => {
  const world = await newWorld();
  expect(addresses(world)).toEqual(["192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"]);
  await putNode(world, 2, "False");
  await world.converge();
  expect(addresses(world)).toEqual(["192.0.2.1", "2001:db8::1"]);
});

test("chosen nodes alone count", async () => {
  const world = await newWorld();
  await putNode(world, 2, "True", "true");
  await world.converge();
  expect(addresses(world)).toEqual(["192.0.2.2", "2001:db8::2"]);
});

test("an ingress that another controller takes over loses its addresses", async () => {
  const world = await newWorld();
  const object = IngressClass.fromPartial({ metadata: { name: "any" }, spec: { controller: "example.com/other" } });
  await world.put({ kind: "IngressClass", object });
  await world.converge();
  expect(addresses(world)).toEqual([]);
});
