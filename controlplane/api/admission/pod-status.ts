import { keyOf, keyText, type Typed } from "../../../kinds/object.js";
import { isPodFinished } from "../../../kinds/pod-state.js";
import { powerOf } from "../../../kinds/power.js";
import { RESIZE_IN_PROGRESS, RESIZE_PENDING } from "../../../kinds/resize.js";
import { TallshipError } from "../../../lib/errors.js";
import type { ContainerStatus, Pod } from "../../../proto/gen/tallship/v1/pod.js";
import { PodStatus } from "../../../proto/gen/tallship/v1/pod.js";
import { withParts } from "./parts.js";

/**
 * Refuses a pod status that goes back: a finished pod does not run again unless it was started by hand, and a container was not restarted less often than it was said to be.
 * Reports cross on the way, so an agent's older one may arrive after its newer one.
 */
export function podStatusError(wanted: Typed, live: Typed): TallshipError | undefined {
  if (wanted.kind !== "Pod" || live.kind !== "Pod") return undefined;
  const operation = `update status of ${keyText(keyOf(live))}`;
  const [before, after] = [live.object.status?.phase ?? "", wanted.object.status?.phase ?? ""];
  const isRestartable = powerOf(live.object).startCount > 0;
  if (isPodFinished(live.object) && before !== after && !isRestartable)
    return new TallshipError("failed_precondition", `${operation}: phase ${before} is final, not ${after}`);
  const counts = restartCounts(live.object);
  const older = wanted.object.status?.containerStatuses.find(
    ({ name, restartCount }) => restartCount < (counts.get(name) ?? 0),
  );
  if (older === undefined) return undefined;
  const message = `${operation}: container ${older.name} was restarted ${counts.get(older.name)} times, not ${older.restartCount}`;
  return new TallshipError("failed_precondition", message);
}

/** Conditions of the node that it leaves out once they are over. */
const PASSING: ReadonlySet<string> = new Set([RESIZE_PENDING, RESIZE_IN_PROGRESS]);

/** A node's report with what others said of the pod: conditions of types that the node does not report, and what admission and scheduler wrote. */
export function nodePodStatus(wanted: Typed, live: Typed): Typed {
  if (wanted.kind !== "Pod" || live.kind !== "Pod") return wanted;
  const status = wanted.object.status ?? PodStatus.fromPartial({});
  const before = live.object.status ?? PodStatus.fromPartial({});
  const reported = new Set(status.conditions.map(({ type }) => type));
  const others = before.conditions.filter(({ type }) => !reported.has(type) && !PASSING.has(type));
  return withParts(wanted, {
    status: {
      ...status,
      conditions: [...others, ...status.conditions],
      qosClass: before.qosClass,
      nominatedNodeName: before.nominatedNodeName,
    },
  });
}

function restartCounts(pod: Pod): ReadonlyMap<string, number> {
  const statuses: readonly ContainerStatus[] = pod.status?.containerStatuses ?? [];
  return new Map(statuses.map(({ name, restartCount }) => [name, restartCount]));
}
