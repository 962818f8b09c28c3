import { metaOf, type ObjectKey, type Typed } from "../../../kinds/object.js";
import { isPodActive } from "../../../kinds/pod-state.js";
import { deepEqual } from "../../../lib/deep-equal.js";
import { TallshipError } from "../../../lib/errors.js";
import { limit } from "../../../lib/limits.js";
import {
  type Pod,
  type PodTemplateSpec,
  PodTemplateSpec as TemplateMessage,
} from "../../../proto/gen/tallship/v1/pod.js";
import type { Cached, View } from "../../cache/view.js";
import type { ReconcileContext } from "../../controllers/controller.js";
import { newDaemons } from "../../controllers/daemon-set/daemon-pods.js";
import { placesOf } from "../../controllers/daemon-set/placement.js";
import { HASH_LABEL } from "../../controllers/deployment/revisions.js";
import { newPods } from "../../controllers/job/pods.js";
import { tallyOf } from "../../controllers/job/tally.js";
import { wantedPods } from "../../controllers/job/wanted.js";
import { ordinalName } from "../../controllers/ordinal-name.js";
import { podsOfTemplate } from "../../controllers/pod-of-template.js";
import { leastLoss } from "../../controllers/pod-ranking.js";
import { claimWrites, podName, podOf } from "../../controllers/stateful-set/identity.js";
import { rangeOf } from "../../controllers/stateful-set/members.js";
import { childMeta } from "../../controllers/writes.js";

/** What would become of an object's pods. */
export interface Coming {
  /** Pods that its controller would make. */
  readonly pods: readonly Pod[];
  /** Claims that it would make for them. */
  readonly claims: readonly Typed<"PersistentVolumeClaim">[];
  /** Pods that would go: they are too many, or of a template that changes. */
  readonly leaving: readonly Cached<"Pod">[];
  /** Pods that it has already and that stay. */
  readonly staying: readonly Cached<"Pod">[];
  readonly notes: readonly string[];
}

/** An object as it would be after the apply, and as it is. */
interface Change {
  readonly key: ObjectKey;
  /** Before the apply. */
  readonly before: View;
  /** After it. */
  readonly after: View;
  readonly context: ReconcileContext;
}

const NONE: Coming = { pods: [], claims: [], leaving: [], staying: [], notes: [] };

/**
 * The pods that would come of an object once its controller has done its work: the state at the end of a roll-out, not the steps to it. Made by
 * the controllers' own functions. Pure but for the uids. Throws too_large beyond limits.planPods.
 */
export function comingPods(change: Change): Coming {
  const { kind } = change.key;
  switch (kind) {
    case "Pod":
      return ofPod(change);
    case "Deployment":
      return ofDeployment(change);
    case "ReplicaSet":
      return ofReplicaSet(change);
    case "StatefulSet":
      return ofStatefulSet(change);
    case "DaemonSet":
      return ofDaemonSet(change);
    case "Job":
      return ofJob(change);
    case "CronJob":
      return { ...NONE, notes: ["makes a job at each time of its schedule: those pods are not planned"] };
    default:
      return NONE;
  }
}

function ofPod({ key, before, after }: Change): Coming {
  const cached = after.cached("Pod", key.namespace, key.name);
  if (cached === undefined) return NONE;
  if (before.get("Pod", key.namespace, key.name) !== undefined) return { ...NONE, staying: [cached] };
  return { ...NONE, pods: [cached.object] };
}

function ofDeployment({ key, before, after, context }: Change): Coming {
  const deployment = after.cached("Deployment", key.namespace, key.name);
  if (deployment === undefined) return NONE;
  const { spec } = deployment.object;
  const earlier = before.get("Deployment", key.namespace, key.name);
  const sets = after.ownedBy("ReplicaSet", metaOf(deployment.object).uid);
  const active = sets.flatMap(({ object }) => activePods(after, metaOf(object).uid));
  const isSame = earlier !== undefined && deepEqual(earlier.spec?.template, spec?.template);
  const current = isSame ? largest(sets) : undefined;
  if (current !== undefined || spec?.paused === true) {
    const notes = spec?.paused === true && !isSame ? ["is paused: its pods stay as they are"] : [];
    const owner = current ?? largest(sets);
    if (owner === undefined) return { ...NONE, notes };
    return {
      ...scaled(owner, owner.object.spec?.template, { wanted: spec?.replicas ?? 1, active, after, context }),
      notes,
    };
  }
  const template = withLabel(spec?.template, HASH_LABEL, "planned");
  const rolled = scaled(deployment, template, { wanted: spec?.replicas ?? 1, active: [], after, context });
  return { ...rolled, ...leavingAll(active) };
}

function largest(sets: readonly Cached<"ReplicaSet">[]): Cached<"ReplicaSet"> | undefined {
  const replicas = ({ object }: Cached<"ReplicaSet">): number => object.spec?.replicas ?? 1;
  return [...sets].sort((left, right) => replicas(right) - replicas(left))[0];
}

function withLabel(template: PodTemplateSpec | undefined, name: string, value: string): PodTemplateSpec | undefined {
  if (template === undefined) return undefined;
  const labels = { ...template.metadata?.labels, [name]: value };
  return TemplateMessage.fromPartial({ ...template, metadata: { ...template.metadata, labels } });
}

/** A replica set's pods are not rolled: they keep the template that they were made from. */
function ofReplicaSet({ key, after, context }: Change): Coming {
  const set = after.cached("ReplicaSet", key.namespace, key.name);
  if (set === undefined) return NONE;
  const active = activePods(after, metaOf(set.object).uid);
  return scaled(set, set.object.spec?.template, { wanted: set.object.spec?.replicas ?? 1, active, after, context });
}

interface Scale {
  readonly wanted: number;
  readonly active: readonly Cached<"Pod">[];
  readonly after: View;
  readonly context: ReconcileContext;
}

function scaled(
  owner: Cached<"ReplicaSet"> | Cached<"Deployment">,
  template: PodTemplateSpec | undefined,
  { wanted, active, after, context }: Scale,
): Coming {
  const missing = bounded(wanted) - active.length;
  const leaving = missing < 0 ? leastLoss(active, -missing) : [];
  const staying = active.filter((pod) => !leaving.includes(pod));
  const { name, namespace, uid } = metaOf(owner.object);
  const { labels = {}, annotations = {} } = template?.metadata ?? {};
  const podFrom = podsOfTemplate(template);
  const pods: Pod[] = [];
  const first = owner.kind === "ReplicaSet" ? (owner.object.status?.nextOrdinal ?? 0) : 0;
  for (let ordinal = first; pods.length < missing; ordinal += 1) {
    const own = ordinalName(name, uid, ordinal);
    if (after.get("Pod", namespace, own) !== undefined) continue;
    pods.push(podFrom(childMeta(owner, own, { labels, annotations }, context)));
  }
  return { ...NONE, pods, leaving, staying };
}

function ofStatefulSet({ key, before, after, context }: Change): Coming {
  const set = after.cached("StatefulSet", key.namespace, key.name);
  if (set === undefined) return NONE;
  const earlier = before.get("StatefulSet", key.namespace, key.name);
  const { spec, metadata } = set.object;
  const isRolled =
    earlier !== undefined &&
    spec?.updateStrategy?.type !== "OnDelete" &&
    !deepEqual(earlier.spec?.template, spec?.template);
  const active = activePods(after, metadata?.uid ?? "");
  const { first, end } = rangeOf(spec);
  bounded(end - first);
  const ordinals = Array.from({ length: Math.max(0, end - first) }, (_, at) => first + at);
  const names = new Set(ordinals.map((ordinal) => podName(set.object, ordinal)));
  const staying = isRolled ? [] : active.filter(({ object }) => names.has(metaOf(object).name));
  const there = new Set(staying.map(({ object }) => metaOf(object).name));
  const missing = ordinals.filter((ordinal) => !there.has(podName(set.object, ordinal)));
  const revision = { name: "planned", template: spec?.template, images: {} };
  const pods = missing.map((ordinal) => podOf(set, ordinal, revision, context));
  const claims = missing.flatMap((ordinal) =>
    claimWrites(set, { ordinal, isWanted: true, pod: undefined }, after, context).flatMap((write) =>
      write.op === "put" && write.revision === 0 && write.typed.kind === "PersistentVolumeClaim"
        ? [{ kind: "PersistentVolumeClaim" as const, object: write.typed.object }]
        : [],
    ),
  );
  const leaving = active.filter((pod) => !staying.includes(pod));
  return { pods, claims, staying, ...(isRolled ? leavingAll(leaving) : { leaving, notes: [] }) };
}

function ofDaemonSet({ key, before, after, context }: Change): Coming {
  const set = after.cached("DaemonSet", key.namespace, key.name);
  if (set === undefined) return NONE;
  const earlier = before.get("DaemonSet", key.namespace, key.name);
  const { spec, metadata } = set.object;
  const isRolled =
    earlier !== undefined &&
    spec?.updateStrategy?.type !== "OnDelete" &&
    !deepEqual(earlier.spec?.template, spec?.template);
  const placeOn = placesOf(spec?.template?.spec);
  const places = new Map(after.list("Node").map(({ object }) => [metaOf(object).name, placeOn(object)]));
  const active = activePods(after, metadata?.uid ?? "");
  const isStaying = ({ object }: Cached<"Pod">): boolean => {
    const place = places.get(object.spec?.nodeName ?? "");
    return !isRolled && (object.spec?.nodeName === "" || place === "wanted" || place === "kept");
  };
  const staying = active.filter(isStaying);
  const there = new Set(staying.map(({ object }) => object.spec?.nodeName));
  const nodes = [...places].filter(([name, place]) => place === "wanted" && !there.has(name)).map(([name]) => name);
  const { pods } = newDaemons(set, nodes, { name: "planned", pins: {}, images: {} }, after, context);
  const leaving = active.filter((pod) => !staying.includes(pod));
  return { pods, claims: [], staying, ...(isRolled ? leavingAll(leaving) : { leaving, notes: [] }) };
}

function ofJob({ key, after, context }: Change): Coming {
  const job = after.cached("Job", key.namespace, key.name);
  if (job === undefined) return NONE;
  const { spec, status } = job.object;
  if (status?.conditions.some(({ type, status: is }) => (type === "Complete" || type === "Failed") && is === "True"))
    return { ...NONE, notes: ["has ended: nothing comes of it"] };
  if (spec?.suspend === true) return { ...NONE, notes: ["is suspended: no pod comes of it"] };
  bounded(spec?.parallelism ?? 1);
  const tally = tallyOf(job.object);
  const active = activePods(after, metaOf(job.object).uid);
  const ground = { tally, active, terminating: [], nowMs: context.nowMs, most: limit("planPods") };
  const { create, remove } = wantedPods(job.object, ground);
  const { pods } = newPods(job, create, { tally, images: {} }, after, context);
  const staying = active.filter((pod) => !remove.includes(pod));
  const later = (spec?.completions ?? 0) - tally.succeeded - staying.length - pods.length;
  const notes = later > 0 ? [`${later} more of its pods come as these end: they are not planned`] : [];
  return { pods, claims: [], leaving: remove, staying, notes };
}

function activePods(view: View, ownerUid: string): readonly Cached<"Pod">[] {
  return ownerUid === "" ? [] : view.ownedBy("Pod", ownerUid).filter(({ object }) => isPodActive(object));
}

/** The end of a roll-out: on the way to it some of these still hold their room. */
function leavingAll(pods: readonly Cached<"Pod">[]): Pick<Coming, "leaving" | "notes"> {
  const count = pods.length === 1 ? "1 pod" : `${pods.length} pods`;
  const notes = pods.length === 0 ? [] : [`rolls: its ${count} of now are taken as gone`];
  return { leaving: pods, notes };
}

function bounded(count: number): number {
  if (count <= limit("planPods")) return count;
  throw new TallshipError("too_large", `plan: ${count} pods, at most ${limit("planPods")}`);
}
