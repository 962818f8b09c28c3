import { configKey } from "../../../kinds/config-uses.js";
import { matchesSelector } from "../../../kinds/label-selector.js";
import { metaOf, type ObjectKey } from "../../../kinds/object.js";
import { isDeleting, isPodFinished, isPodReady, untilAvailableMs } from "../../../kinds/pod-state.js";
import { keepsPlace } from "../../../kinds/power.js";
import { parseTime } from "../../../lib/clock.js";
import { deepEqual } from "../../../lib/deep-equal.js";
import { limit } from "../../../lib/limits.js";
import { DaemonSetStatus } from "../../../proto/gen/tallship/v1/daemonset.js";
import type { Condition } from "../../../proto/gen/tallship/v1/meta.js";
import type { Pod } from "../../../proto/gen/tallship/v1/pod.js";
import { pinnedNode } from "../../../scheduler/pinned-node.js";
import { ofKind } from "../../cache/of-kind.js";
import type { CacheChange, Cached, View } from "../../cache/view.js";
import type { Notice } from "../../events/notice.js";
import { claim } from "../claim.js";
import type { Digest } from "../config/copy.js";
import { wantedPins } from "../config/pins.js";
import { regardUndo } from "../config/undone.js";
import { type Controller, NOTHING, type ObjectWrite, type Outcome, type ReconcileContext } from "../controller.js";
import { letThroughCount } from "../let-through.js";
import { isNamespaceDeleting } from "../namespace-state.js";
import { podNotice } from "../pod-notice.js";
import { imageWrites, movedOf, withMoved } from "../revision-images.js";
import { steadySeconds } from "../steady.js";
import {
  historyWrites,
  pinsUndoneTo,
  REVISION_LABEL,
  revisionFor,
  revisionsOf,
  type TemplateRevision,
} from "../template-revisions.js";
import { controllerOf, create, remove, replace } from "../writes.js";
import { newDaemons } from "./daemon-pods.js";
import { placesOf } from "./placement.js";
import { boundsOf, type DaemonPod, type NodeState, type Steps, stepsFor } from "./steps.js";

/**
 * Keeps one pod on every node that fits. Each pod demands its node by name and is bound by the scheduler like any other, so that one that
 * finds no room says so. Templates of earlier roll-outs, and the content that they took from ConfigMaps and Secrets, are kept as controller
 * revisions.
 */
export function daemonSet(digest: Digest): Controller {
  return {
    name: "daemon-set",
    keysFor,
    reconcile: (key, view, context) => reconcile(key, view, digest, context),
  };
}

/** Pods that one outcome touches: with the set, its revision and old revisions they fill a transaction. */
const batch = limit("transactionObjects") - 12;

/** Kubernetes' default of revisionHistoryLimit, for objects that were written past admission. */
const defaultHistory = 10;

function keysFor({ key, before, after }: CacheChange, view: View): readonly ObjectKey[] {
  switch (key.kind) {
    case "DaemonSet":
      return [key];
    case "Node":
      return isSamePlace(before, after) ? [] : view.list("DaemonSet").map(keyOfSet);
    case "ConfigMap":
    case "Secret":
      return view.usingConfig("DaemonSet", key.namespace, configKey(key.kind, key.name)).map(keyOfSet);
    case "Pod":
    case "ControllerRevision": {
      const owners = [before, after].map((each) => each && controllerOf(each.object));
      const keys = owners.flatMap((owner): readonly ObjectKey[] =>
        owner?.kind === "DaemonSet" ? [{ kind: "DaemonSet", namespace: key.namespace, name: owner.name }] : [],
      );
      return owners[1] === undefined ? [...keys, ...adopters(ofKind(after, "Pod"), view)] : keys;
    }
    default:
      return [];
  }
}

function adopters(pod: Cached<"Pod"> | undefined, view: View): readonly ObjectKey[] {
  if (pod === undefined) return [];
  const { namespace, labels } = metaOf(pod.object);
  return view
    .list("DaemonSet", namespace)
    .filter(({ object }) => matchesSelector(object.spec?.selector, labels))
    .map(keyOfSet);
}

function keyOfSet({ object }: Cached<"DaemonSet">): ObjectKey {
  const { namespace, name } = metaOf(object);
  return { kind: "DaemonSet", namespace, name };
}

function isSamePlace(before: Cached | undefined, after: Cached | undefined): boolean {
  const [was, is] = [ofKind(before, "Node")?.object, ofKind(after, "Node")?.object];
  if (was === undefined || is === undefined) return false;
  return deepEqual(metaOf(was).labels, metaOf(is).labels) && deepEqual(was.spec?.taints, is.spec?.taints);
}

function reconcile({ namespace, name }: ObjectKey, view: View, digest: Digest, context: ReconcileContext): Outcome {
  const set = view.cached("DaemonSet", namespace, name);
  if (set === undefined) return NOTHING; // Deleted: the owner collector removes the pods.
  const { owned, writes } = claim(set, "Pod", set.object.spec?.selector, view);
  if (writes.length > 0) return { writes: writes.slice(0, batch) };
  const revisions = revisionsOf(set, view);
  const images = imageWrites(revisions, owned);
  if (images.length > 0) return { writes: images };
  const collisions = set.object.status?.collisionCount ?? 0;
  const { template } = set.object.spec ?? {};
  const now = wantedPins(metaOf(set.object), template?.spec, { view, digest });
  const { configs, writes: undo } = regardUndo(set, now, pinsUndoneTo(set, template, revisions));
  if (undo.length > 0) return { writes: undo };
  const revision = revisionFor({ cached: set, template, collisions, configs }, revisions, view, context);
  if (revision.is === "taken") return rename(set, collisions + 1);
  const conditions = withMoved(set.object.status?.conditions ?? [], movedOf(revisions, owned), context);
  const ground = { ...observe(set, owned, revision.name, view, context.nowMs), conditions };
  const isFinal = isDeleting(set.object) || isNamespaceDeleting(namespace, view);
  if (isFinal) return { writes: report(set, ground, undefined) };
  const outcome = step(set, ground, revision, view, context);
  const used = new Set([revision.name, ...owned.map(({ object }) => metaOf(object).labels[REVISION_LABEL] ?? "")]);
  const kept = set.object.spec?.revisionHistoryLimit ?? defaultHistory;
  const old = historyWrites(revisions, used, kept, context.nowMs).slice(0, 10);
  return { ...outcome, writes: [...outcome.writes, ...old] };
}

/** The name of the template's revision is held by another one: the next try has another name. */
function rename(set: Cached<"DaemonSet">, collisionCount: number): Outcome {
  const status = { ...(set.object.status ?? DaemonSetStatus.fromPartial({})), collisionCount };
  return { writes: [replace(set, { ...set.object, status })], againMs: 0 };
}

interface Ground {
  readonly nodes: readonly NodeState[];
  readonly byName: ReadonlyMap<string, Cached<"Pod">>;
  /** Pods that can run nowhere: their node does not exist. */
  readonly stray: readonly Cached<"Pod">[];
  /** Milliseconds until the next ready pod becomes available by time alone. */
  readonly availableMs: number | undefined;
  /** What the set says of itself. */
  readonly conditions: readonly Condition[];
}

function observe(
  set: Cached<"DaemonSet">,
  owned: readonly Cached<"Pod">[],
  revision: string,
  view: View,
  nowMs: number,
): Omit<Ground, "conditions"> {
  const { template, minReadySeconds = 0 } = set.object.spec ?? {};
  const placeOf = placesOf(template?.spec);
  const onNode = new Map<string, DaemonPod[]>();
  const stray: Cached<"Pod">[] = [];
  for (const cached of owned) {
    const node = pinnedNode(cached.object);
    if (view.get("Node", "", node) === undefined) stray.push(cached);
    else onNode.set(node, [...(onNode.get(node) ?? []), daemonPod(cached.object, revision, minReadySeconds, nowMs)]);
  }
  const nodes = view.list("Node").map(({ object }) => {
    const { name } = metaOf(object);
    return { name, place: placeOf(object), pods: onNode.get(name) ?? [] };
  });
  const isRollingOut = owned.some(({ object }) => metaOf(object).labels[REVISION_LABEL] !== revision);
  const secondsOf = (pod: Pod): number => (isRollingOut ? steadySeconds(pod.spec, minReadySeconds) : minReadySeconds);
  const waits = owned
    .flatMap(({ object }) => [minReadySeconds, secondsOf(object)].map((each) => untilAvailableMs(object, each, nowMs)))
    .filter((wait) => wait > 0 && Number.isFinite(wait));
  return {
    nodes,
    byName: new Map(owned.map((cached) => [metaOf(cached.object).name, cached])),
    stray: stray.filter(({ object }) => !isDeleting(object)),
    availableMs: waits.length === 0 ? undefined : Math.min(...waits),
  };
}

function daemonPod(pod: Pod, revision: string, minReadySeconds: number, nowMs: number): DaemonPod {
  const { name, labels, creationTimestamp } = metaOf(pod);
  return {
    name,
    isCurrent: labels[REVISION_LABEL] === revision,
    isReady: isPodReady(pod),
    isAvailable: untilAvailableMs(pod, minReadySeconds, nowMs) === 0,
    isSteady: untilAvailableMs(pod, steadySeconds(pod.spec, minReadySeconds), nowMs) === 0,
    isDeleting: isDeleting(pod),
    isFinished: isPodFinished(pod) && !keepsPlace(pod),
    createdAtMs: parseTime(creationTimestamp),
  };
}

function step(
  set: Cached<"DaemonSet">,
  ground: Ground,
  revision: Extract<TemplateRevision, { is: "known" }>,
  view: View,
  context: ReconcileContext,
): Outcome {
  const desired = ground.nodes.filter(({ place }) => place === "wanted").length;
  const steps = stepsFor(ground.nodes, boundsOf(set.object.spec, desired), context.nowMs);
  const going = [...steps.remove.flatMap((name) => ground.byName.get(name) ?? []), ...ground.stray];
  const removed = going.slice(0, batch);
  const due = steps.create.slice(0, batch - removed.length);
  const asked = newDaemons(set, due, revision, view, context);
  // As of a job: what is refused spends no ordinal, and one is tried on, so that its user is told.
  const nodes = due.slice(0, letThroughCount(asked.pods, view));
  const refused = asked.pods.slice(nodes.length, nodes.length + 1);
  const made = refused.length === 0 ? asked : newDaemons(set, nodes, revision, view, context);
  const isCut = going.length + steps.create.length > batch;
  const waits = [steps.againMs, ground.availableMs].filter((wait) => wait !== undefined);
  const about = keyOfSet(set);
  return {
    writes: [
      ...revision.writes,
      ...report(set, ground, { nodes, nextOrdinal: made.nextOrdinal }),
      ...[...made.pods, ...refused].map((pod) => create("Pod", pod)),
      ...removed.flatMap((pod) => remove(pod, { nowMs: context.nowMs })),
    ],
    notices: [
      ...endNotices(about, steps, ground),
      ...podNotice(about, "Created", made.pods),
      ...podNotice(
        about,
        "Deleted",
        removed.map(({ object }) => object),
      ),
    ],
    // Times are whole seconds, cut off.
    againMs: isCut ? 0 : waits.length === 0 ? undefined : Math.max(1, Math.min(...waits)),
  };
}

function endNotices(about: ObjectKey, { ended }: Steps, { byName }: Ground): readonly Notice[] {
  return ended.flatMap((name): readonly Notice[] => {
    const pod = byName.get(name)?.object;
    if (pod === undefined) return [];
    const isFailed = pod.status?.phase === "Failed";
    const where = `daemon pod ${about.namespace}/${name} on node ${pinnedNode(pod)}`;
    const message = `Found ${isFailed ? "failed" : "succeeded"} ${where}, will try to ${isFailed ? "kill" : "delete"} it`;
    return [
      {
        about,
        message,
        type: isFailed ? "Warning" : "Normal",
        reason: isFailed ? "FailedDaemonPod" : "SucceededDaemonPod",
      },
    ];
  });
}

/** The write of the set's status, when it says something new. Of two pods on a node the older one speaks, as in Kubernetes. */
function report(
  set: Cached<"DaemonSet">,
  { nodes, conditions }: Ground,
  made: { readonly nodes: readonly string[]; readonly nextOrdinal: number } | undefined,
): readonly ObjectWrite[] {
  const before = set.object.status ?? DaemonSetStatus.fromPartial({});
  const created = new Set(made?.nodes ?? []);
  const wanted = nodes.filter(({ place }) => place === "wanted");
  const speakers = wanted.flatMap(({ pods }) => {
    const [oldest] = [...pods].sort(
      (left, right) => left.createdAtMs - right.createdAtMs || Number(left.isCurrent) - Number(right.isCurrent),
    );
    return oldest === undefined ? [] : [oldest];
  });
  const fresh = wanted.filter(({ name, pods }) => pods.length === 0 && created.has(name)).length;
  const available = speakers.filter(({ isAvailable, isDeleting: isGoing }) => isAvailable && !isGoing).length;
  const status: DaemonSetStatus = {
    ...before,
    conditions: [...conditions],
    currentNumberScheduled: speakers.length + fresh,
    numberMisscheduled: nodes.filter(({ place, pods }) => place !== "wanted" && pods.length > 0).length,
    desiredNumberScheduled: wanted.length,
    numberReady: speakers.filter(({ isReady, isDeleting: isGoing }) => isReady && !isGoing).length,
    observedGeneration: metaOf(set.object).generation,
    updatedNumberScheduled: speakers.filter(({ isCurrent }) => isCurrent).length + fresh,
    numberAvailable: available,
    numberUnavailable: wanted.length - available,
    nextOrdinal: made?.nextOrdinal ?? before.nextOrdinal,
  };
  return deepEqual(status, set.object.status) ? [] : [replace(set, { ...set.object, status })];
}
