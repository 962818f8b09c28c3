import { metaOf } from "../../../kinds/object.js";
import { conditionOf } from "../../../kinds/pod-state.js";
import { parseTime, rfc3339 } from "../../../lib/clock.js";
import { type Deployment, DeploymentStatus } from "../../../proto/gen/tallship/v1/deployment.js";
import type { Condition } from "../../../proto/gen/tallship/v1/meta.js";
import { type Claim, withCondition } from "../conditions.js";
import type { Bounds } from "./bounds.js";
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

/** Default of progressDeadlineSeconds, for objects that were written past admission. */
const defaultDeadlineSeconds = 600;

/** The deployment's status as Kubernetes' users read it. The very status that stands when it says nothing new. */
export function statusOf(parts: StatusParts): DeploymentStatus {
  const { state, bounds, collisions, nowMs } = parts;
  const deployment = state.deployment.object;
  const before = deployment.status ?? DeploymentStatus.fromPartial({});
  const sets = [...state.old, ...(state.current === undefined ? [] : [state.current])];
  const sum = (pick: (set: (typeof sets)[number]) => number): number =>
    sets.reduce((total, set) => total + pick(set), 0);
  const available = sum(({ counts }) => counts.available);
  const counts = {
    observedGeneration: metaOf(deployment).generation,
    replicas: sum(({ counts }) => counts.active),
    updatedReplicas: state.current?.counts.active ?? 0,
    readyReplicas: sum(({ counts }) => counts.ready),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, sum(({ scale }) => scale.wanted) - available),
    terminatingReplicas: sum(({ counts }) => counts.terminating),
    collisionCount: collisions === 0 ? undefined : collisions,
  };
  const availability = withCondition(before.conditions, availableClaim(available, bounds), nowMs);
  const after = { ...counts, conditions: availability };
  return { ...after, conditions: withProgress(before, after, parts) };
}

/** Milliseconds until the roll-out's deadline passes; undefined when it has none now. */
export function untilDeadlineMs(deployment: Deployment, status: DeploymentStatus, nowMs: number): number | undefined {
  const progressing = conditionOf(status.conditions, "Progressing");
  if (progressing?.status !== "True" || progressing.reason === "NewReplicaSetAvailable") return undefined;
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
  const isPaused = deployment.spec?.paused === true;
  if (isPaused) return said?.reason === "DeploymentPaused" || hasTimedOut(said) ? undefined : paused;
  if (setName === undefined) return undefined;
  if (isNew) return claimOf("True", "NewReplicaSetCreated", `Created new replica set "${setName}"`);
  if (said?.reason === "DeploymentPaused") return resumed;
  if (said?.reason === "NewReplicaSetAvailable" && after.replicas === after.updatedReplicas) return undefined;
  if (isComplete(after, parts.bounds))
    return claimOf("True", "NewReplicaSetAvailable", `ReplicaSet "${setName}" has successfully progressed.`);
  if (said === undefined) return claimOf("True", "FoundNewReplicaSet", `Found new replica set "${setName}"`);
  if (hasProgressed(before, after))
    return claimOf("True", "ReplicaSetUpdated", `ReplicaSet "${setName}" is progressing.`);
  if (said.reason === "NewReplicaSetAvailable" || hasTimedOut(said)) return undefined;
  if (parts.nowMs <= deadlineMs(deployment, said)) return undefined;
  return claimOf("False", "ProgressDeadlineExceeded", `ReplicaSet "${setName}" has timed out progressing.`);
}

function claimOf(status: Claim["status"], reason: string, message: string): Claim {
  return { type: "Progressing", status, reason, message };
}

const paused = claimOf("Unknown", "DeploymentPaused", "Deployment is paused");
const resumed = claimOf("Unknown", "DeploymentResumed", "Deployment is resumed");

function isComplete({ replicas, updatedReplicas, availableReplicas }: DeploymentStatus, bounds: Bounds): boolean {
  return updatedReplicas === bounds.replicas && replicas === bounds.replicas && availableReplicas === bounds.replicas;
}

function hasProgressed(before: DeploymentStatus, after: DeploymentStatus): boolean {
  return (
    after.updatedReplicas > before.updatedReplicas ||
    after.replicas - after.updatedReplicas < before.replicas - before.updatedReplicas ||
    after.readyReplicas > before.readyReplicas ||
    after.availableReplicas > before.availableReplicas
  );
}

function hasTimedOut(said: Condition | undefined): boolean {
  return said?.reason === "ProgressDeadlineExceeded";
}

function deadlineMs(deployment: Deployment, said: Condition): number {
  const seconds = deployment.spec?.progressDeadlineSeconds ?? defaultDeadlineSeconds;
  return parseTime(said.lastUpdateTime) + seconds * 1_000;
}
