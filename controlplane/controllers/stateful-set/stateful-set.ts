import { configKey } from "../../../kinds/config-uses.js";
import type { MovedImage } from "../../../kinds/image-pins.js";
import { matchesSelector } from "../../../kinds/label-selector.js";
import { metaOf, type ObjectKey } from "../../../kinds/object.js";
import { isDeleting } from "../../../kinds/pod-state.js";
import { deepEqual } from "../../../lib/deep-equal.js";
import { limit } from "../../../lib/limits.js";
import { StatefulSetStatus } from "../../../proto/gen/tallship/v1/statefulset.js";
import type { CacheChange, Cached, View } from "../../cache/view.js";
import type { Notice } from "../../events/notice.js";
import { claim } from "../claim.js";
import type { Digest } from "../config/copy.js";
import { pinnedTemplate } from "../config/pinned-template.js";
import { wantedPins } from "../config/pins.js";
import { regardUndo } from "../config/undone.js";
import { type Controller, NOTHING, type ObjectWrite, type Outcome, type ReconcileContext } from "../controller.js";
import { isNamespaceDeleting } from "../namespace-state.js";
import { countPods } from "../pod-counts.js";
import { imageWrites, movedOf } from "../revision-images.js";
import { historyWrites, pinsUndoneTo, podTemplateOf, revisionFor, revisionsOf } from "../template-revisions.js";
import { controllerOf, create, remove, replace } from "../writes.js";
import { claimWrites, ordinalOf, ownsClaim, podName, podOf } from "./identity.js";
import { type Member, membersOf, revisionOf, rulesOf } from "./members.js";
import { statusOf } from "./status.js";
import { stepsOf } from "./steps.js";

/**
 * Keeps the numbered pods of stateful sets, each with its claims. A pod is made only once nothing stands under its name, so it never runs
 * twice: a pod on a lost node is waited for.
 */
export function statefulSet(digest: Digest): Controller {
  return {
    name: "stateful-set",
    keysFor,
    reconcile: (key, view, context) => reconcile(key, view, digest, context),
  };
}

/** Kubernetes' default of revisionHistoryLimit, for objects that were written past admission. */
const defaultHistory = 10;

function keysFor({ key, before, after }: CacheChange, view: View): readonly ObjectKey[] {
  const { namespace } = key;
  const named = (name: string): ObjectKey => ({ kind: "StatefulSet", namespace, name });
  const those = (isMeant: (set: Cached<"StatefulSet">) => boolean): readonly ObjectKey[] =>
    view
      .list("StatefulSet", namespace)
      .filter(isMeant)
      .map(({ object }) => named(metaOf(object).name));
  switch (key.kind) {
    case "StatefulSet":
      return [key];
    case "ConfigMap":
    case "Secret":
      return view
        .usingConfig("StatefulSet", namespace, configKey(key.kind, key.name))
        .map(({ object }) => named(metaOf(object).name));
    case "Pod":
    case "ControllerRevision": {
      const owners = [before, after].map((cached) => cached && controllerOf(cached.object));
      const keys = owners.flatMap((owner) => (owner?.kind === "StatefulSet" ? [named(owner.name)] : []));
      if (key.kind !== "Pod" || owners[1] !== undefined) return keys;
      // Nobody's pod may be adopted; and a name that was somebody else's may be free now.
      return [...keys, ...those(({ object }) => ordinalOf(object, key.name) !== undefined)];
    }
    case "PersistentVolumeClaim":
      return after === undefined ? those(({ object }) => ownsClaim(object, key.name)) : [];
    default:
      return [];
  }
}

function reconcile({ namespace, name }: ObjectKey, view: View, digest: Digest, context: ReconcileContext): Outcome {
  const set = view.cached("StatefulSet", namespace, name);
  if (set === undefined) return NOTHING; // Deleted: the owner collector removes the pods.
  const selector = set.object.spec?.selector;
  const { owned, writes } = claim(set, "Pod", selector, view);
  const fitting = writes.filter((write) => isOwn(set, write, selector));
  if (fitting.length > 0) return { writes: fitting.slice(0, limit("transactionObjects")) };
  const revisions = revisionsOf(set, view);
  const images = imageWrites(revisions, owned);
  if (images.length > 0) return { writes: images };
  const collisions = set.object.status?.collisionCount ?? 0;
  const { template } = set.object.spec ?? {};
  const now = wantedPins(metaOf(set.object), template?.spec, { view, digest });
  const { configs, writes: undo } = regardUndo(set, now, pinsUndoneTo(set, template, revisions));
  if (undo.length > 0) return { writes: undo };
  const latest = revisionFor({ cached: set, template, collisions, configs }, revisions, view, context);
  if (latest.is === "taken") return rename(set, collisions + 1);
  const isFinal = isDeleting(set.object) || isNamespaceDeleting(namespace, view);
  const podTemplate = pinnedTemplate(template, latest.pins);
  const current = revisions.find(({ object }) => metaOf(object).name === set.object.status?.currentRevision);
  const parts: Parts = {
    set,
    members: membersOf({ set: set.object, owned, updateRevision: latest.name, nowMs: context.nowMs }, view),
    latest: { name: latest.name, template: podTemplate, images: latest.images },
    current:
      current === undefined
        ? { name: latest.name, template: podTemplate, images: latest.images }
        : { name: metaOf(current.object).name, template: podTemplateOf(current), images: current.object.images },
    moved: movedOf(revisions, owned),
    collisions,
  };
  const status = statusOf({ ...flatten(parts), nowMs: context.nowMs }, view);
  const own = statusWrites(set, status);
  if (isFinal) return { writes: own };
  const moved = move(parts, view, context, limit("transactionObjects") - own.length - latest.writes.length);
  const used = new Set([status.currentRevision, latest.name, ...owned.map(({ object }) => revisionOf(object))]);
  const kept = set.object.spec?.revisionHistoryLimit ?? defaultHistory;
  const history = moved.isCut ? [] : historyWrites(revisions, used, kept, context.nowMs);
  const pods = owned.map(({ object }) => object);
  const { nextAvailableMs } = countPods(pods, set.object.spec?.minReadySeconds ?? 0, context.nowMs);
  const waits = [nextAvailableMs, nextSteadyMs(parts.members)].filter((wait) => wait !== undefined);
  return {
    writes: [...own, ...latest.writes, ...moved.writes, ...history],
    notices: moved.notices,
    againMs: moved.isCut ? 0 : waits.length === 0 ? undefined : Math.min(...waits),
  };
}

/** Milliseconds until an update may go on by time alone; undefined when there is none, or nothing of that kind to wait for. */
function nextSteadyMs(members: readonly Member[]): number | undefined {
  const wanted = members.filter(({ isWanted }) => isWanted);
  if (wanted.every(({ isUpdated }) => isUpdated)) return undefined;
  const waits = wanted.map(({ untilSteadyMs }) => untilSteadyMs).filter((wait) => wait > 0 && Number.isFinite(wait));
  return waits.length === 0 ? undefined : Math.min(...waits);
}

/** A pod is adopted only under a name that is one of the set's; what is released may have any. */
function isOwn(
  set: Cached<"StatefulSet">,
  write: ObjectWrite,
  selector: Parameters<typeof matchesSelector>[0],
): boolean {
  if (write.op !== "put") return true;
  const { name, labels } = metaOf(write.typed.object);
  return !matchesSelector(selector, labels) || ordinalOf(set.object, name) !== undefined;
}

interface Parts {
  readonly set: Cached<"StatefulSet">;
  readonly members: readonly Member[];
  /** The revision of the set's template. */
  readonly latest: Parameters<typeof podOf>[2];
  /** The revision of pods below the partition. */
  readonly current: Parameters<typeof podOf>[2];
  readonly collisions: number;
  readonly moved: readonly MovedImage[];
}

function flatten({ set, members, latest, current, collisions, moved }: Parts) {
  return { set: set.object, members, updateRevision: latest.name, currentRevision: current.name, collisions, moved };
}

/** The name of the template's revision is held by another one: the next try has another name. */
function rename(set: Cached<"StatefulSet">, collisionCount: number): Outcome {
  const before = set.object.status ?? StatefulSetStatus.fromPartial({});
  return { writes: statusWrites(set, { ...before, collisionCount }), againMs: 0 };
}

interface Moved {
  readonly writes: readonly ObjectWrite[];
  readonly notices: readonly Notice[];
  /** There was more to do than one transaction holds. */
  readonly isCut: boolean;
}

/** Makes and removes pods and cares for their claims, in that order of numbers in which the steps come, as far as `most` writes go. */
function move(parts: Parts, view: View, context: ReconcileContext, most: number): Moved {
  const { set, members } = parts;
  const { create: made, remove: removed } = stepsOf(members, rulesOf(set.object.spec));
  const writes: ObjectWrite[] = [];
  const notices: Notice[] = [];
  for (const member of members) {
    const { ordinal, cached } = member;
    const isMade = made.includes(ordinal);
    if (!isMade && cached === undefined) continue;
    const claims = claimWrites(set, { ordinal, isWanted: member.isWanted, pod: cached }, view, context);
    const pods = isMade ? [create("Pod", madePod(parts, ordinal, context))] : [];
    const gone = cached !== undefined && removed.includes(ordinal) ? remove(cached, { nowMs: context.nowMs }) : [];
    if (writes.length + claims.length + pods.length + gone.length > most) return { writes, notices, isCut: true };
    writes.push(...claims, ...pods, ...gone);
    notices.push(...noticesOf(set, member, { claims, pods, gone }));
  }
  return { writes, notices, isCut: false };
}

function madePod(parts: Parts, ordinal: number, context: ReconcileContext) {
  const { updateFrom } = rulesOf(parts.set.object.spec);
  const isOld = updateFrom !== undefined && ordinal < updateFrom;
  return podOf(parts.set, ordinal, isOld ? parts.current : parts.latest, context);
}

function statusWrites(set: Cached<"StatefulSet">, status: StatefulSetStatus): readonly ObjectWrite[] {
  return deepEqual(set.object.status, status) ? [] : [replace(set, { ...set.object, status })];
}

function noticesOf(
  set: Cached<"StatefulSet">,
  { ordinal, pod }: Member,
  done: Readonly<Record<"claims" | "pods" | "gone", readonly ObjectWrite[]>>,
): readonly Notice[] {
  const { name, namespace } = metaOf(set.object);
  const own = podName(set.object, ordinal);
  const say = (reason: string, message: string, type: Notice["type"] = "Normal"): Notice => ({
    about: { kind: "StatefulSet", namespace, name },
    type,
    reason,
    message,
  });
  const claims = done.claims.flatMap((write) =>
    write.op === "put" && write.revision === 0 ? [write.typed.object] : [],
  );
  return [
    ...claims.map((made) =>
      say("SuccessfulCreate", `create Claim ${metaOf(made).name} Pod ${own} in StatefulSet ${name} success`),
    ),
    ...done.pods.map(() => say("SuccessfulCreate", `create Pod ${own} in StatefulSet ${name} successful`)),
    ...done.gone.map(() =>
      pod === "finished"
        ? say("RecreatingFailedPod", `StatefulSet ${namespace}/${name} is recreating failed Pod ${own}`, "Warning")
        : say("SuccessfulDelete", `delete Pod ${own} in StatefulSet ${name} successful`),
    ),
  ];
}
