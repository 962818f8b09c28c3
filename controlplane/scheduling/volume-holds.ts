import { metaOf } from "../../kinds/object.js";
import { claimsOfPod, LOCAL_PROVISIONER } from "../../kinds/storage.js";
import type { PersistentVolumeClaim } from "../../proto/gen/tallship/v1/persistentvolumeclaim.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import type { View } from "../cache/view.js";
import type { ObjectWrite } from "../controllers/controller.js";
import { isReachable } from "../controllers/volumes/binding.js";
import { holdWrites } from "../controllers/volumes/hold.js";
import { storageClassOf, volumesFor } from "../controllers/volumes/match.js";

/**
 * Holds volumes that nobody makes for the claims of pods that are about to be bound, in the transactions that bind them. Otherwise two pods
 * could be sent to a node that has a volume for one of them, and the other would wait there for ever. Used for one batch of binds.
 */
export class VolumeHolds {
  private readonly view: View;
  private readonly taken = new Set<string>();

  constructor(view: View) {
    this.view = view;
  }

  /** The writes that hold what a pod needs on its node, compared with the volumes as they were read; undefined when the node has too few left. */
  for(pod: Pod, nodeName: string): readonly ObjectWrite[] | undefined {
    const chosen: string[] = [];
    const writes: ObjectWrite[] = [];
    for (const claim of claimsOfPod(pod).flatMap((name) => this.waiting(metaOf(pod).namespace, name))) {
      const volume = this.volumeFor(claim, nodeName, chosen);
      if (volume === undefined) return undefined;
      chosen.push(metaOf(volume.object).name);
      writes.push(...holdWrites(volume, claim));
    }
    for (const name of chosen) this.taken.add(name);
    return writes;
  }

  /** The claim, when it waits for the node of its first pod and no volume is made for it there. */
  private waiting(namespace: string, name: string): readonly PersistentVolumeClaim[] {
    const claim = this.view.get("PersistentVolumeClaim", namespace, name);
    if (claim === undefined || claim.status?.phase === "Bound" || claim.spec?.volumeName !== "") return [];
    const storageClass = storageClassOf(claim, this.view);
    const isStatic = storageClass !== undefined && storageClass.provisioner !== LOCAL_PROVISIONER;
    return isStatic && storageClass.volumeBindingMode === "WaitForFirstConsumer" ? [claim] : [];
  }

  private volumeFor(claim: PersistentVolumeClaim, nodeName: string, chosen: readonly string[]) {
    const node = this.view.get("Node", "", nodeName);
    if (node === undefined) return undefined;
    return volumesFor(claim, this.view).find(({ object }) => {
      const { name } = metaOf(object);
      return !this.taken.has(name) && !chosen.includes(name) && isReachable(object, node);
    });
  }
}
