import { afterEach, expect, test } from "vitest";
import { metaOf } from "../../kinds/object.js";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { type ControlWorld, controlWorld } from "../../test/kit/control-world.js";
import { nodeOf, podOf } from "../../test/kit/schedule-world.js";
import { askPicture } from "./picture.js";
import { topNodes } from "./top.js";

let world: ControlWorld;
afterEach(() => world.stop.abort());

test("a device of which shares are given out is one that is taken, once for all of them", async () => {
  world = await controlWorld();
  const devices = [0, 1, 2].map((at) => ({ name: `nvidia.com/gpu=${at}`, memory: "40Gi" }));
  await world.put({ kind: "Node", object: nodeOf({ name: "node-a", devices }) });
  const share = { "tallship.dev/gpu-memory": "10Gi" };
  for (const [name, requests] of Object.entries({ a: share, b: share, c: { "nvidia.com/gpu": "1" } })) {
    const pod = podOf({ requests, nodeName: "node-a" });
    const metadata = { ...metaOf(pod), name, namespace: "default", uid: name };
    await world.put({ kind: "Pod", object: Pod.fromPartial({ ...pod, metadata, status: { phase: "Running" } }) });
  }
  const { nodes } = await askPicture(world, world.stop.signal, ({ state }) =>
    topNodes(state, { is: "unknown", why: "" }),
  );
  expect(nodes[0]?.resources.find(({ name }) => name === "nvidia.com/gpu")).toMatchObject({
    ...{ allocatable: 3, requested: 2 },
  });
  expect(nodes[0]?.gpus).toMatchObject({ count: 3, allocated: 1.5 });
});
