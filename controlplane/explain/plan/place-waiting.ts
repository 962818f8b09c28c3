import type { Attempt } from "../../../scheduler/attempt.js";
import { attemptGang } from "../../../scheduler/gang.js";
import { type Refusals, refusalWithNeed } from "../../../scheduler/refusals.js";
import { assume, explainShape } from "../../../scheduler/schedule.js";
import type { Shape } from "../../../scheduler/shape.js";
import type { WaitingPod } from "../../scheduling/backlog.js";
import { remnantsOf } from "../../scheduling/remnants.js";
import type { SchedulerState } from "../../scheduling/scheduler-state.js";

/** What became of a pod that was tried. */
export interface Placement {
  readonly pod: WaitingPod;
  /** The node that it gets, or on which others make room for it; empty: none. */
  readonly nodeName: string;
  /** It gets the node now. */
  readonly isBound: boolean;
  /** Why it gets none, in a line. */
  readonly refusal: string;
  /** Uids of the pods that have to go for it, with what is left of their groups. */
  readonly victims: readonly string[];
}

/**
 * Tries pods that were taken from the backlog, in their order, as the scheduler's loop does: a pod group whole, by the pod that speaks for it.
 * What is decided stays in the picture, so that the next ones see it, and may let others of the group or queue in.
 */
export function placeWaiting(
  pods: readonly WaitingPod[],
  state: SchedulerState,
  refusalOf: (pod: WaitingPod) => string,
): readonly Placement[] {
  return pods.flatMap((pod): readonly Placement[] => {
    const way = state.wayOf(pod);
    if (way === "not now") return [];
    if (way === "apart") {
      const { attempts } = assume(state.snapshot, [pod], state.standings);
      return placementsOf([pod], attempts, { state, refusalOf });
    }
    const placements = placementsOf(way.pods, attemptGang(state.snapshot, way, state.standings) ?? [], {
      state,
      refusalOf,
    });
    // The others of a group are placed by themselves once enough have a node; one that finds none is not tried again.
    if (placements.some(({ isBound }) => isBound)) state.review(pod.group);
    return placements;
  });
}

interface Asked {
  readonly state: SchedulerState;
  readonly refusalOf: (pod: WaitingPod) => string;
}

function placementsOf(
  pods: readonly WaitingPod[],
  attempts: readonly Attempt<WaitingPod>[],
  { state, refusalOf }: Asked,
): readonly Placement[] {
  const made = new Map(attempts.map((each) => [each.pod.id, each]));
  for (const { pod, is, nodeName } of attempts) if (is === "bound") state.assume(pod, nodeName);
  return pods.map((pod): Placement => {
    const own = made.get(pod.id);
    const nodeName = own?.nodeName ?? "";
    const victims = dismissed(
      (own?.victims ?? []).map(({ id }) => id),
      state,
    );
    return { pod, nodeName, victims, refusal: nodeName === "" ? refusalOf(pod) : "", isBound: own?.is === "bound" };
  });
}

/** Pods that have to go, and what goes with them: counted as on its way out from now on, so that nobody else has it go. */
function dismissed(ids: readonly string[], state: SchedulerState): readonly string[] {
  const remnants = remnantsOf(state, ids);
  const all = [...ids, ...remnants];
  for (const id of all) state.setEvicting(id);
  return all;
}

/** As `whyNone`, for several pods at one time: equal ones share one look at the nodes. */
export function sayWhy(state: SchedulerState): (pod: WaitingPod) => string {
  const known = new Map<Shape, Refusals>();
  return (pod) => whyNone(pod, state, known);
}

/** Why a pod gets no node: what its group needs beside a node, and what nodes have against it alone, if they have. */
export function whyNone(pod: WaitingPod, state: SchedulerState, known = new Map<Shape, Refusals>()): string {
  const held = state.whyHeld(pod);
  if (held !== "") return held;
  const refusals = known.get(pod.shape) ?? explainShape(state.snapshot, pod.shape);
  known.set(pod.shape, refusals);
  return refusalWithNeed(state.groupNeed(pod), refusals);
}
