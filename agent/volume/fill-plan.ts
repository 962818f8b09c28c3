import { filledVolumes } from "../../kinds/fill-volumes.js";
import type { Container } from "../../proto/gen/tallship/v1/container.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import type { RootFs } from "../image/images.js";
import type { Fill } from "./fill.js";

/** What is to be filled before a run of a container is made: what it mounts, as a whole, of the volumes that the pod names for it. */
export function fillsOf(of: {
  readonly pod: Pod;
  readonly container: Container;
  readonly volumePaths: ReadonlyMap<string, string>;
  readonly root: RootFs;
}): readonly Fill[] {
  const names = filledVolumes(of.pod.metadata?.annotations ?? {});
  return of.container.volumeMounts.flatMap(({ name, mountPath, subPath, subPathExpr }) => {
    const volumePath = of.volumePaths.get(name);
    if (!names.has(name) || volumePath === undefined || subPath !== "" || subPathExpr !== "") return [];
    return [{ volumePath, root: of.root, containerPath: mountPath }];
  });
}
