import { keyOf, metaOf } from "../../kinds/object.js";
import { isDeleting } from "../../kinds/pod-state.js";
import { TallshipError } from "../../lib/errors.js";
import { DeleteRequest } from "../../proto/gen/tallship/v1/api.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import type { ClusterFlags } from "../cluster.js";
import { waitUntilGone } from "../delete/gone.js";
import { nameOf as objectName } from "../objects.js";
import type { Shell } from "../shell.js";
import { eachContainer, type PowerCall, type PowerRun, refuseOwned } from "./power.js";

/** Removes containers that have ended; with force those that run too. Waits until they are gone. */
export function runRemove(call: PowerCall<ClusterFlags & { readonly force: boolean }>, shell: Shell): Promise<number> {
  return eachContainer(call, shell, async (run, { pod }) => {
    refuseOwned(pod);
    const isUp = pod.status?.containerStatuses.some(({ state }) => state?.running !== undefined) === true;
    const isStill = pod.status?.containerStatuses.some(({ paused }) => paused) === true;
    if (isUp && !call.flags.force && !isDeleting(pod))
      throw new TallshipError(
        "failed_precondition",
        `container ${metaOf(pod).name} is ${isStill ? "paused: unpause and" : "running:"} stop it before, or remove it by force with -f`,
      );
    await removePod(run, pod);
  });
}

/** Seconds of grace of what is removed by force: 0 would forget the pod before its node has ended it. */
const FORCED_GRACE_S = 1;

/** Deletes a pod and waits until it is gone. */
export async function removePod({ shell, cluster }: PowerRun, pod: Pod): Promise<void> {
  const key = keyOf({ kind: "Pod", object: pod });
  const { uid } = metaOf(pod);
  const request = { name: objectName(key), uid, gracePeriodSeconds: FORCED_GRACE_S };
  await cluster.objects.delete(DeleteRequest.fromPartial(request), { signal: shell.signal });
  await waitUntilGone({ shell, cluster, timeoutMs: undefined }, [{ key, uid }]);
}
