import { metaOf } from "../../../kinds/object.js";
import { conditionOf, isDeleting, isPodActive, isPodReady } from "../../../kinds/pod-state.js";
import { podTrouble } from "../../../kinds/pod-trouble.js";
import type { DeploymentStatus } from "../../../proto/gen/tallship/v1/deployment.js";
import type { Pod } from "../../../proto/gen/tallship/v1/pod.js";
import type { Cached, View } from "../../cache/view.js";
import type { Notice } from "../../events/notice.js";
import type { ObjectWrite } from "../controller.js";
import { controllerOf, remove, replace, replaceMeta } from "../writes.js";
import { ROLLED_BACK_TO, ROLLED_BACK_WHY, WAS_AVAILABLE } from "./revisions.js";
import { type RollOut, rollsBack, type SetState } from "./state.js";
import { deadlineSeconds, hasTimedOut } from "./status.js";

/** On a pod that is kept of a failed roll-out: the deployment's name. */
export const KEPT_OF = "tallship.dev/failed-rollout-of";

/** A rollback that is due. */
export interface Rollback {
  readonly from: SetState;
  readonly to: SetState;
  /** The pod that is kept for inspection; undefined when none can be without standing in the way. */
  readonly kept: Cached<"Pod"> | undefined;
  readonly why: string;
}

/**
 * The rollback that a roll-out which has missed its deadline needs: to the newest earlier set whose pods were all available once. Undefined
 * when there is none, when the roll-out has time left, was rolled back already, or the user wants none.
 */
export function dueRollback(state: RollOut, status: DeploymentStatus): Rollback | undefined {
  const { deployment, current: from, old, failed } = state;
  const { object } = deployment;
  if (from === undefined || failed !== undefined || object.spec?.paused === true || !rollsBack(object))
    return undefined;
  if (!hasTimedOut(conditionOf(status.conditions, "Progressing"))) return undefined;
  const to = lastAvailable(old);
  if (to === undefined) return undefined;
  const suspect = suspectOf(from);
  const kept =
    object.spec?.strategy?.type === "Recreate" || suspect === undefined || !canStay(suspect.object)
      ? undefined
      : suspect;
  const name = ({ cached, revision }: SetState): string =>
    `revision ${revision} (replica set ${metaOf(cached.object).name})`;
  const cause = suspect === undefined ? "" : `: ${troubleOf(suspect.object)}`;
  const left = kept === undefined ? "" : `; pod ${metaOf(kept.object).name} is kept for inspection`;
  const why = `rolled back to ${name(to)}: ${name(from)} missed its progress deadline of ${deadlineSeconds(object)} s${cause}${left}`;
  return { from, to, kept, why };
}

/** The newest of old sets whose pods were all available once. */
export function lastAvailable(old: readonly SetState[]): SetState | undefined {
  return old.findLast(
    ({ cached: { object } }) => !isDeleting(object) && metaOf(object).annotations[WAS_AVAILABLE] === "true",
  );
}

/**
 * The writes by which a rollback is known from now on: the failed set is marked, and the pod that is kept leaves it. The next step moves the
 * pods. The set asks for one pod less at once, or it would replace the one that left.
 */
export function rollbackWrites({ deployment }: RollOut, { from, to, kept, why }: Rollback): readonly ObjectWrite[] {
  const { object } = from.cached;
  const meta = metaOf(object);
  const annotations = {
    ...meta.annotations,
    [ROLLED_BACK_TO]: metaOf(to.cached.object).name,
    [ROLLED_BACK_WHY]: why,
  };
  const mark = { ...object, metadata: { ...meta, annotations } };
  if (kept === undefined || object.spec === undefined) return [replace(from.cached, mark)];
  const spec = { ...object.spec, replicas: Math.max(0, from.scale.wanted - 1) };
  const metadata = { ...mark.metadata, generation: meta.generation + 1 };
  return [replace(from.cached, { ...object, metadata, spec }), keep(kept, metaOf(deployment.object).name)];
}

/** The event that tells of a rollback. */
export function rollbackNotice({ deployment }: RollOut, { why }: Rollback): Notice {
  const { namespace, name } = metaOf(deployment.object);
  const message = why.charAt(0).toUpperCase() + why.slice(1);
  return { about: { kind: "Deployment", namespace, name }, type: "Warning", reason: "DeploymentRollback", message };
}

/**
 * The kept pods that go: those of failures that count no more, and all of them while a pod that is to serve finds no place, which they
 * might take up.
 */
export function keptPodWrites(
  { deployment, failed, current }: RollOut,
  view: View,
  nowMs: number,
): readonly ObjectWrite[] {
  const { namespace, name } = metaOf(deployment.object);
  const kept = view.withLabels("Pod", namespace, { [KEPT_OF]: labelOf(name) });
  if (kept.length === 0) return [];
  const uid = failed === undefined || isCrowded(current) ? undefined : metaOf(failed.cached.object).uid;
  const isWanted = ({ object }: Cached<"Pod">): boolean =>
    metaOf(object).ownerReferences.some((owner) => owner.uid === uid);
  return kept.filter((pod) => !isWanted(pod)).flatMap((pod) => remove(pod, { nowMs }));
}

function isCrowded(current: SetState | undefined): boolean {
  return current?.pods.some(({ object }) => isUnschedulable(object)) === true;
}

function isUnschedulable(pod: Pod): boolean {
  return isPodActive(pod) && conditionOf(pod.status?.conditions, "PodScheduled")?.status === "False";
}

/** The pod that tells most of what is wrong: one that has a place and says what it waits for, or else one that is not ready. */
function suspectOf({ pods }: SetState): Cached<"Pod"> | undefined {
  const unready = pods.filter(({ object }) => isPodActive(object) && !isPodReady(object));
  const placed = unready.filter(({ object }) => (object.spec?.nodeName ?? "") !== "");
  return placed.find(({ object }) => podTrouble(object) !== undefined) ?? placed[0] ?? unready[0];
}

/** A pod that has no place tells nothing beside its events, and one that holds ports of its node would keep others from them. */
function canStay({ spec }: Pod): boolean {
  const ports = spec?.containers.flatMap((container) => container.ports) ?? [];
  return (spec?.nodeName ?? "") !== "" && spec?.hostNetwork !== true && ports.every(({ hostPort }) => hostPort === 0);
}

function troubleOf(pod: Pod): string {
  const { name } = metaOf(pod);
  const trouble = podTrouble(pod);
  const last = pod.status?.containerStatuses.find(({ ready }) => !ready);
  if (trouble === undefined)
    return last === undefined ? `pod ${name} is not ready` : `pod ${name}: container ${last.name} is not ready`;
  const ended = last?.lastState?.terminated;
  return `pod ${name}: ${trouble}${ended === undefined ? "" : ` (last exit code ${ended.exitCode})`}`;
}

/**
 * The pod without the labels by which it was found and counted. Its set owns it still, without controlling it: with the set it goes. No
 * service, budget or replica set takes it for one of theirs.
 */
function keep(pod: Cached<"Pod">, deploymentName: string): ObjectWrite {
  const meta = metaOf(pod.object);
  const controller = controllerOf(pod.object);
  return replaceMeta(pod, {
    ...meta,
    labels: { [KEPT_OF]: labelOf(deploymentName) },
    ownerReferences: meta.ownerReferences.map((owner) =>
      owner === controller ? { ...owner, controller: false, blockOwnerDeletion: false } : owner,
    ),
  });
}

/** A name as the value of a label, which may be shorter. */
function labelOf(name: string): string {
  return name.slice(0, 63).replace(/[^a-zA-Z0-9]+$/, "");
}
