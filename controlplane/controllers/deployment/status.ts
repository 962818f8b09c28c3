import { metaOf } from "../../../kinds/object.js";
import { conditionOf } from "../../../kinds/pod-state.js";
import { STOPPED } from "../../../kinds/power.js";
import { parseTime, rfc3339 } from "../../../lib/clock.js";
import { type Deployment, DeploymentStatus } from "../../../proto/gen/tallship/v1/deployment.js";
import type { Condition } from "../../../proto/gen/tallship/v1/meta.js";
import { type Claim, withCondition, withoutCondition } from "../conditions.js";
import type { Bounds } from "./bounds.js";
import { ROLLED_BACK_WHY } from "./revisions.js";
import type { RollOut } from "./state.js";

/** What the status is made from. */
export interface StatusParts {
  readonly state: RollOut;
  readonly bounds: Bounds;
  /** Name of the current replica set, when there is or will be one. */
  readonly setName: string | undefined;
  /** The set is created in the same transaction. */
  readonly isNew: boolean;
  readonly collisions: number;
  readonly nowMs: number;
}

/** Condition of a deployment whose pods are those of an earlier revision, because the roll-out of its template has failed. */
const ROLLED_BACK = "RolledBack";
const timedOut = "ProgressDeadlineExceeded";

/** The largest value, with which Kubernetes' users say that there is no deadline. */
const noDeadlineSeconds = 2_147_483_647;

/** Default of progressDeadlineSeconds, for objects that were written past admission. */
const defaultDeadlineSeconds = 600;

/** The deployment's status as Kubernetes' users read it. The very status that stands when it says nothing new. */
export function statusOf(parts: StatusParts): DeploymentStatus {
  const { state, collisions } = parts;
  const deployment = state.deployment.object;
  const before = deployment.status ?? DeploymentStatus.fromPartial({});
  const sets = [...state.old, ...(state.current === undefined ? [] : [state.current])];
  const sum = (pick: (set: (typeof sets)[number]) => number): number =>
    sets.reduce((total, set) => total + pick(set), 0);
  const available = sum(({ counts }) => counts.available);
  const counts = {
    observedGeneration: metaOf(deployment).generation,
    replicas: sum(({ counts }) => counts.active),
    updatedReplicas: (state.failed ?? state.current)?.counts.active ?? 0,
    readyReplicas: sum(({ counts }) => counts.ready),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, sum(({ scale }) => scale.wanted) - available),
    terminatingReplicas: sum(({ counts }) => counts.terminating),
    collisionCount: collisions === 0 ? undefined : collisions,
  };
  const after = { ...counts, conditions: otherConditions(before, available, parts) };
  return { ...after, conditions: withProgress(before, after, parts) };
}

/** All conditions but Progressing. */
function otherConditions(
  before: DeploymentStatus,
  available: number,
  { state, bounds, nowMs }: StatusParts,
): readonly Condition[] {
  const claims = [availableClaim(available, bounds), failureClaim(state), rolledBackClaim(state)];
  const told = claims.filter((claim) => claim !== undefined);
  const untold = ["ReplicaFailure", ROLLED_BACK].filter((type) => !told.some((claim) => claim.type === type));
  const kept = untold.reduce(withoutCondition, before.conditions);
  return told.reduce((conditions, claim) => withCondition(conditions, claim, nowMs), kept);
}

/** What keeps a set from creating pods: the current one's failure first. */
function failureClaim({ current, old }: RollOut): Claim | undefined {
  const failures = [...(current === undefined ? [] : [current]), ...old].flatMap(({ cached }) => {
    const failure = conditionOf(cached.object.status?.conditions, "ReplicaFailure");
    return failure?.status === "True" ? [failure] : [];
  });
  const [failure] = failures;
  if (failure === undefined) return undefined;
  return { type: "ReplicaFailure", status: "True", reason: failure.reason, message: failure.message };
}

function rolledBackClaim({ failed }: RollOut): Claim | undefined {
  if (failed === undefined) return undefined;
  const message = metaOf(failed.cached.object).annotations[ROLLED_BACK_WHY] ?? "";
  return { type: ROLLED_BACK, status: "True", reason: timedOut, message };
}

/** Milliseconds until the roll-out's deadline passes; undefined when it has none now. */
export function untilDeadlineMs(deployment: Deployment, status: DeploymentStatus, nowMs: number): number | undefined {
  const progressing = conditionOf(status.conditions, "Progressing");
  if (progressing === undefined || deployment.spec?.paused === true || !hasDeadline(deployment)) return undefined;
  if (["NewReplicaSetAvailable", "DeploymentPaused"].includes(progressing.reason)) return undefined;
  if (hasTimedOut(progressing)) return undefined;
  // Times are whole seconds, cut off: one more makes sure that the deadline has passed when we look.
  return Math.max(0, deadlineMs(deployment, progressing) - nowMs) + 1_000;
}

function availableClaim(available: number, { replicas, unavailable }: Bounds): Claim {
  if (available >= replicas - unavailable)
    return {
      type: "Available",
      status: "True",
      reason: "MinimumReplicasAvailable",
      message: "Deployment has minimum availability.",
    };
  return {
    type: "Available",
    status: "False",
    reason: "MinimumReplicasUnavailable",
    message: "Deployment does not have minimum availability.",
  };
}

function withProgress(before: DeploymentStatus, after: DeploymentStatus, parts: StatusParts): readonly Condition[] {
  if (!hasDeadline(parts.state.deployment.object)) return withoutCondition(after.conditions, "Progressing");
  const claim = progressClaim(before, after, parts);
  if (claim === undefined) return after.conditions;
  const conditions = withCondition(after.conditions, claim, parts.nowMs);
  const lastUpdateTime = rfc3339(parts.nowMs);
  return conditions.map((each) => (each.type === "Progressing" ? { ...each, lastUpdateTime } : each));
}

/** What is to be said anew of the roll-out; undefined when what was said still holds. */
function progressClaim(before: DeploymentStatus, after: DeploymentStatus, parts: StatusParts): Claim | undefined {
  const deployment = parts.state.deployment.object;
  const said = conditionOf(before.conditions, "Progressing");
  const { setName, isNew } = parts;
  const { failed } = parts.state;
  if (failed !== undefined) return hasTimedOut(said) ? undefined : timedOutClaim(metaOf(failed.cached.object).name);
  // What is stopped in the midst of a roll-out goes on from there once it is started.
  const isHeld = metaOf(deployment).annotations[STOPPED] !== undefined && said?.reason !== "NewReplicaSetAvailable";
  const isPaused = deployment.spec?.paused === true || isHeld;
  if (isPaused) return said?.reason === "DeploymentPaused" || hasTimedOut(said) ? undefined : paused;
  if (setName === undefined) return undefined;
  if (isNew) return claimOf("True", "NewReplicaSetCreated", `Created new replica set "${setName}"`);
  if (said?.reason === "DeploymentPaused") return resumed;
  if (said?.reason === "NewReplicaSetAvailable" && after.replicas === after.updatedReplicas) return undefined;
  if (isComplete(after, parts.bounds))
    return claimOf("True", "NewReplicaSetAvailable", `ReplicaSet "${setName}" has successfully progressed.`);
  // What is wanted now is not what failed: its time begins.
  const isAnother = conditionOf(before.conditions, ROLLED_BACK) !== undefined && hasTimedOut(said);
  if (said === undefined || isAnother)
    return claimOf("True", "FoundNewReplicaSet", `Found new replica set "${setName}"`);
  if (hasProgressed(before, after, unsteadyOf(parts.state)))
    return claimOf("True", "ReplicaSetUpdated", `ReplicaSet "${setName}" is progressing.`);
  if (said.reason === "NewReplicaSetAvailable" || hasTimedOut(said)) return undefined;
  if (parts.nowMs <= deadlineMs(deployment, said)) return undefined;
  return timedOutClaim(setName);
}

function timedOutClaim(setName: string): Claim {
  return claimOf("False", timedOut, `ReplicaSet "${setName}" has timed out progressing.`);
}

function claimOf(status: Claim["status"], reason: string, message: string): Claim {
  return { type: "Progressing", status, reason, message };
}

const paused = claimOf("Unknown", "DeploymentPaused", "Deployment is paused");
const resumed = claimOf("Unknown", "DeploymentResumed", "Deployment is resumed");

/** True when all pods are of the current template and available, and there are no others. */
export function isComplete(
  { replicas, updatedReplicas, availableReplicas }: DeploymentStatus,
  bounds: Bounds,
): boolean {
  return updatedReplicas === bounds.replicas && replicas === bounds.replicas && availableReplicas === bounds.replicas;
}

/** As in Kubernetes, but that pods which run for a moment again and again are none: for them no old one goes, and their deadline passes. */
function hasProgressed(before: DeploymentStatus, after: DeploymentStatus, unsteady: number): boolean {
  return (
    after.updatedReplicas > before.updatedReplicas ||
    after.replicas - after.updatedReplicas < before.replicas - before.updatedReplicas ||
    after.readyReplicas - unsteady > before.readyReplicas ||
    after.availableReplicas - unsteady > before.availableReplicas
  );
}

/** Pods that are available and do not count for the roll-out yet. */
function unsteadyOf({ current }: RollOut): number {
  return current === undefined ? 0 : current.counts.available - current.scale.available;
}

/** True when the roll-out has missed its deadline, and nothing has happened since. */
export function hasTimedOut(said: Condition | undefined): boolean {
  return said?.reason === timedOut;
}

function hasDeadline(deployment: Deployment): boolean {
  return deadlineSeconds(deployment) < noDeadlineSeconds;
}

/** Seconds without progress after which a roll-out has failed. */
export function deadlineSeconds({ spec }: Deployment): number {
  return spec?.progressDeadlineSeconds ?? defaultDeadlineSeconds;
}

function deadlineMs(deployment: Deployment, said: Condition): number {
  return parseTime(said.lastUpdateTime) + deadlineSeconds(deployment) * 1_000;
}
