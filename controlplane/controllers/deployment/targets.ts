import type { Bounds } from "./bounds.js";
import { proportion } from "./proportion.js";
import { desiredOf, maxOf } from "./revisions.js";
import { recreate, roll, type SetScale, type Targets } from "./roll-out.js";
import type { RollOut, SetState } from "./state.js";

const nothing: SetScale = { wanted: 0, active: 0, available: 0 };

/** What each replica set should ask for now. A set that does not exist yet counts as one of no replicas. */
export function targetsOf(state: RollOut, bounds: Bounds): Targets {
  const { spec } = state.deployment.object;
  const current = state.current?.scale ?? nothing;
  const old = state.old.map(({ scale }) => scale);
  if (isRescaled(state, bounds) || spec?.paused === true) return rescale(state, bounds);
  if (spec?.strategy?.type !== "Recreate") return roll(current, old, bounds);
  const oldPods = state.old.reduce((sum, { livePods }) => sum + livePods, 0);
  return recreate(current, old, oldPods, bounds);
}

/** True when the deployment's number of replicas changed since one of its sets was scaled. */
function isRescaled({ current, old }: RollOut, { replicas }: Bounds): boolean {
  return [...old, ...(current === undefined ? [] : [current])].some(
    ({ cached, scale }) => scale.wanted > 0 && (desiredOf(cached) ?? replicas) !== replicas,
  );
}

/** Takes a new number of replicas without going on with the roll-out. */
function rescale(state: RollOut, bounds: Bounds): Targets {
  const { current, old } = state;
  const all = current === undefined ? old : [...old, current];
  const running = all.filter(({ scale }) => scale.wanted > 0);
  const only = running.length === 0 ? all.at(-1) : running.length === 1 ? running[0] : undefined;
  if (only !== undefined) return assign(state, new Map([[only, bounds.replicas]]));
  if (current !== undefined && isSaturated(current, bounds))
    return { current: current.scale.wanted, old: old.map(() => 0) };
  if (!isRescaled(state, bounds)) return assign(state, new Map());
  const shares = running.map(({ cached, scale, revision }) => ({
    wanted: scale.wanted,
    maxBefore: maxOf(cached) ?? scale.wanted,
    revision,
  }));
  const targets = proportion(shares, bounds);
  return assign(state, new Map(running.map((set, at) => [set, targets[at] ?? set.scale.wanted])));
}

/** The current set has all the pods it should, by the number of replicas that holds now. */
function isSaturated({ cached, scale, counts }: SetState, { replicas }: Bounds): boolean {
  return scale.wanted === replicas && desiredOf(cached) === replicas && counts.available === replicas;
}

function assign({ current, old }: RollOut, targets: ReadonlyMap<SetState, number>): Targets {
  const of = (set: SetState | undefined): number => (set === undefined ? 0 : (targets.get(set) ?? set.scale.wanted));
  return { current: of(current), old: old.map(of) };
}
