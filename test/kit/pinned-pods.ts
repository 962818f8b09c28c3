import { metaOf } from "../../kinds/object.js";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { pinnedNode } from "../../scheduler/pinned-node.js";
import type { ControlWorld } from "./control-world.js";

/** A node says that a pod is ready, and what its container "main" runs: IMAGE@DIGEST. */
export function runsImage(world: ControlWorld, pod: Pod, imageID: string): Promise<void> {
  const lastTransitionTime = new Date(world.clock.nowMs()).toISOString();
  return world.edit("Pod", metaOf(pod).name, (live) =>
    Pod.fromPartial({
      ...live,
      spec: { ...live.spec, nodeName: pinnedNode(live) || "node-a" },
      status: {
        phase: "Running",
        containerStatuses: [{ name: "main", image: imageID.split("@")[0], imageID }],
        conditions: [{ type: "Ready", status: "True", lastTransitionTime }],
      },
    }),
  );
}

/** The digests that a pod is pinned to; undefined when it follows its tags. */
export function pinOf(pod: Pod): string | undefined {
  return metaOf(pod).annotations["tallship.dev/image-digests"];
}
