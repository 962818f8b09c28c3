import { metaOf } from "../../kinds/object.js";
import type { View } from "../cache/view.js";

/**
 * Whether a pod of the node is to be stopped: it may wait for the cut-over. Of many nodes only such are told at once, up to four times a second; for the others it goes with the answer to
 * their next heartbeat. Pods that their node stops by itself wait the bound at most.
 */
export function hasPodToStop(view: Pick<View, "podsOnNode">, nodeName: string): boolean {
  return view.podsOnNode(nodeName).some(({ object }) => metaOf(object).deletionTimestamp !== "");
}
