import { isReleased } from "../../kinds/deletion.js";
import { metaOf, type ObjectKey } from "../../kinds/object.js";
import { isDeleting, isPodFinished } from "../../kinds/pod-state.js";
import { powerOf, REMOVE_WHEN_OVER } from "../../kinds/power.js";
import { parseTime } from "../../lib/clock.js";
import { limit } from "../../lib/limits.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { ofKind } from "../cache/of-kind.js";
import type { CacheChange, Cached, View } from "../cache/view.js";
import { type Controller, NOTHING, type ObjectWrite, type Outcome, type ReconcileContext } from "./controller.js";
import { remove, typedOf } from "./writes.js";

/** All finished pods together are one piece of work, looked at now and then. */
const finishedPods: ObjectKey = { kind: "Pod", namespace: "", name: "" };
const finishedAgainMs = 30_000;

/**
 * Removes pods that nobody else will: those that were to go when they are over, a moment later, so that who watches learns how they ended; those of nodes that were deleted (deleting a node says that it is gone for good), those that were
 * marked before they had a node, and the oldest finished ones beyond limits.finishedPodsKept.
 */
export const podCollector: Controller = {
  name: "pod-collector",
  keysFor,
  reconcile: (key, view, context) => (key.name === "" ? trim(view, context) : collect(key, view, context)),
  listen: (want) => {
    want(finishedPods);
    return () => undefined;
  },
};

function keysFor({ key, before, after }: CacheChange, view: View): readonly ObjectKey[] {
  if (key.kind === "Node" && after === undefined) return view.podsOnNode(key.name).map(({ object }) => podKey(object));
  const [was, is] = [ofKind(before, "Pod")?.object, ofKind(after, "Pod")?.object];
  if (is === undefined) return [];
  if (isOver(is)) return [key];
  const isSame = was?.spec?.nodeName === is.spec?.nodeName && was !== undefined && isDeleting(was) === isDeleting(is);
  return isSame ? [] : [key];
}

/** A pod that is to go with its end, and has ended. */
function isOver(pod: Pod): boolean {
  return isPodFinished(pod) && !isDeleting(pod) && pod.metadata?.annotations[REMOVE_WHEN_OVER] === "true";
}

/** How long its last container has been over. */
function endedForMs({ status }: Pod, nowMs: number): number {
  const ends = (status?.containerStatuses ?? []).map(({ state }) => parseTime(state?.terminated?.finishedAt ?? ""));
  const last = Math.max(...ends.filter((atMs) => !Number.isNaN(atMs)));
  return Number.isFinite(last) ? nowMs - last : Number.POSITIVE_INFINITY;
}

function podKey(pod: Pod): ObjectKey {
  const { namespace, name } = metaOf(pod);
  return { kind: "Pod", namespace, name };
}

function collect({ namespace, name }: ObjectKey, view: View, { nowMs }: ReconcileContext): Outcome {
  const pod = view.cached("Pod", namespace, name);
  if (pod === undefined) return NOTHING;
  if (isOver(pod.object)) {
    const leftMs = limit("overPodKeptMs") - endedForMs(pod.object, nowMs);
    return leftMs > 0 ? { writes: [], againMs: leftMs } : { writes: remove(pod, { nowMs }) };
  }
  const nodeName = pod.object.spec?.nodeName ?? "";
  const isLost = nodeName !== "" && view.get("Node", "", nodeName) === undefined;
  if (!isLost && !isReleased(typedOf(pod))) return NOTHING;
  const notices = isLost
    ? [
        {
          about: podKey(pod.object),
          type: "Normal",
          reason: "NodeDeleted",
          message: `Node ${nodeName} does not exist: the pod is removed`,
        } as const,
      ]
    : [];
  return { writes: remove(pod, { nowMs, graceSeconds: 0 }), notices };
}

function trim(view: View, { nowMs }: ReconcileContext): Outcome {
  const finished = view
    .list("Pod")
    .filter(({ object }) => isPodFinished(object) && !isDeleting(object) && !powerOf(object).isStopped);
  const surplus = finished.length - limit("finishedPodsKept");
  if (surplus <= 0) return { writes: [], againMs: finishedAgainMs };
  const most = limit("transactionObjects");
  const oldest = [...finished].sort(byAge).slice(0, Math.min(surplus, most));
  const writes: readonly ObjectWrite[] = oldest.flatMap((pod) => remove(pod, { nowMs }));
  return { writes, againMs: surplus > most ? 0 : finishedAgainMs };
}

function byAge(left: Cached<"Pod">, right: Cached<"Pod">): number {
  const [a, b] = [metaOf(left.object), metaOf(right.object)];
  if (a.creationTimestamp !== b.creationTimestamp) return a.creationTimestamp < b.creationTimestamp ? -1 : 1;
  return `${a.namespace}/${a.name}` < `${b.namespace}/${b.name}` ? -1 : 1;
}
