import { conditionOf, isDeleting } from "../../../kinds/pod-state.js";
import type { DeploymentStatus } from "../../../proto/gen/tallship/v1/deployment.js";
import type { ObjectWrite } from "../controller.js";
import { remove } from "../writes.js";
import { lastAvailable } from "./rollback.js";
import type { RollOut } from "./state.js";

/** Kubernetes' default of revisionHistoryLimit, for objects that were written past admission. */
const defaultHistory = 10;

/**
 * Sets of earlier templates without pods go, oldest first, down to the number that is kept: once a roll-out is complete or paused. Before that only
 * down to Kubernetes' default, so that a content that changes without pause does not pile them up, and never the one to roll back to.
 */
export function historyWrites(
  { deployment, old, failed }: RollOut,
  status: DeploymentStatus,
  nowMs: number,
): readonly ObjectWrite[] {
  const { spec } = deployment.object;
  const asked = spec?.revisionHistoryLimit ?? defaultHistory;
  const reason = conditionOf(status.conditions, "Progressing")?.reason;
  const isAtRest = reason === "NewReplicaSetAvailable" || spec?.paused === true;
  const needed = isAtRest ? undefined : lastAvailable(old);
  const empty = old.filter(
    (set) =>
      set.scale.wanted + set.livePods === 0 && !isDeleting(set.cached.object) && set !== failed && set !== needed,
  );
  const kept = isAtRest ? asked : Math.max(asked, defaultHistory);
  const surplus = empty.slice(0, Math.max(0, empty.length - kept));
  return surplus.flatMap(({ cached }) => remove(cached, { nowMs }));
}
