import { limit } from "../../../lib/limits.js";
import type { DaemonSetSpec } from "../../../proto/gen/tallship/v1/daemonset.js";
import { shareOf } from "../share.js";
import type { Place } from "./placement.js";

/** A daemon set's pod on a node. */
export interface DaemonPod {
  readonly name: string;
  /** Made from the current template. */
  readonly isCurrent: boolean;
  readonly isReady: boolean;
  /** Ready for minReadySeconds. */
  readonly isAvailable: boolean;
  /** Available, and for so long that a roll-out takes an old pod away for it. */
  readonly isSteady: boolean;
  readonly isDeleting: boolean;
  readonly isFinished: boolean;
  readonly createdAtMs: number;
}

/** A node and the daemon set's pods that are on it or can come to no other. */
export interface NodeState {
  readonly name: string;
  readonly place: Place;
  readonly pods: readonly DaemonPod[];
}

/** How far a roll-out may go at once. */
export interface DaemonBounds {
  readonly surge: number;
  readonly unavailable: number;
}

/** What to do now: nodes that get a pod, and names of pods that go. */
export interface Steps {
  readonly create: readonly string[];
  readonly remove: readonly string[];
  /** Of those that go: pods that have ended, although nothing asked them to. */
  readonly ended: readonly string[];
  /** Milliseconds until a pod that ended too soon may be replaced. */
  readonly againMs: number | undefined;
}

/** The bounds of a rolling update over that many nodes, both rounded up and never both zero; undefined when only the user replaces pods. */
export function boundsOf(spec: DaemonSetSpec | undefined, nodeCount: number): DaemonBounds | undefined {
  const { type = "RollingUpdate", rollingUpdate } = spec?.updateStrategy ?? {};
  if (type === "OnDelete") return undefined;
  const { maxSurge, maxUnavailable } = rollingUpdate ?? {};
  const surge = Math.ceil(maxSurge === undefined ? 0 : shareOf(maxSurge, nodeCount));
  const unavailable = Math.ceil(maxUnavailable === undefined ? 1 : shareOf(maxUnavailable, nodeCount));
  return { surge, unavailable: surge === 0 && unavailable === 0 ? 1 : unavailable };
}

/**
 * One pod per node that is wanted, none where it is not, and old pods replaced within the bounds. A node gets no pod before the last one on
 * it is gone, unless surge allows both. Nodes that only keep their pod are outside the roll-out: a lost node does not hold it up.
 */
export function stepsFor(nodes: readonly NodeState[], bounds: DaemonBounds | undefined, nowMs: number): Steps {
  const sorted = [...nodes].sort((left, right) => (left.name < right.name ? -1 : 1));
  const kept = sorted.map((node) => keep(node, bounds, nowMs));
  const wanted = sorted.filter(({ place }) => place === "wanted");
  const rolled = bounds === undefined ? REST : bounds.surge > 0 ? surge(wanted, bounds) : replace(wanted, bounds);
  const waits = kept.flatMap(({ againMs }) => (againMs === undefined ? [] : [againMs]));
  return {
    create: [...kept.flatMap(({ create }) => create), ...rolled.create],
    remove: [...new Set([...kept.flatMap(({ remove }) => remove), ...rolled.remove])],
    ended: kept.flatMap(({ ended }) => ended),
    againMs: waits.length === 0 ? undefined : Math.min(...waits),
  };
}

const REST: Steps = { create: [], remove: [], ended: [], againMs: undefined };

function keep(node: NodeState, bounds: DaemonBounds | undefined, nowMs: number): Steps {
  if (node.pods.length === 0) return node.place === "wanted" ? { ...REST, create: [node.name] } : REST;
  const live = node.pods.filter(({ isDeleting }) => !isDeleting);
  if (node.place === "unwanted") return { ...REST, remove: live.map(({ name }) => name) };
  const ended = live.filter(({ isFinished }) => isFinished);
  const waitMs = Math.max(0, ...ended.map(({ createdAtMs }) => createdAtMs + limit("daemonRetryMs") - nowMs));
  if (waitMs > 0) return { ...REST, againMs: waitMs };
  const running = byAge(live.filter(({ isFinished }) => !isFinished));
  const surplus = (bounds?.surge ?? 0) > 0 ? surplusOfTwo(running) : running.slice(1);
  return {
    ...REST,
    remove: [...ended, ...surplus].map(({ name }) => name),
    ended: ended.map(({ name }) => name),
  };
}

/** Two pods may be on a node while the old one serves and the new one does not yet. */
function surplusOfTwo(running: readonly DaemonPod[]): readonly DaemonPod[] {
  const next = running.find(({ isCurrent }) => isCurrent);
  const old = running.find(({ isCurrent }) => !isCurrent);
  const others = running.filter((pod) => pod !== next && pod !== old);
  if (next === undefined || old === undefined) return others;
  return old.isReady && !next.isSteady ? others : [...others, old];
}

/** Deletes old pods; the node's place is filled once they are gone. Those that do not serve go at once. */
function replace(nodes: readonly NodeState[], { unavailable }: DaemonBounds): Steps {
  const pairs = nodes.map(pairOn);
  const single = pairs.filter(({ next, old }) => (next === undefined) !== (old === undefined));
  const missing =
    pairs.length - single.length + single.filter(({ next }) => next !== undefined && !next.isSteady).length;
  const olds = single.flatMap(({ old }) => (old === undefined ? [] : [old]));
  const idle = olds.filter(({ isAvailable }) => !isAvailable);
  const serving = olds.filter(({ isAvailable }) => isAvailable);
  // Idle ones are missing already, and stay missing while they are replaced.
  const room = Math.max(0, unavailable - missing);
  return { ...REST, remove: [...idle, ...serving.slice(0, room)].map(({ name }) => name) };
}

/** Creates new pods beside old ones; an old one goes when the new one serves. */
function surge(nodes: readonly NodeState[], bounds: DaemonBounds): Steps {
  const pairs = nodes.map((node) => ({ name: node.name, ...pairOn(node) }));
  const done = pairs.filter(({ next, old }) => old !== undefined && next?.isSteady === true);
  const under = pairs.filter(({ next, old }) => old !== undefined && next !== undefined && !next.isSteady);
  const ahead = pairs.filter(({ next, old }) => old !== undefined && next === undefined);
  const idle = ahead.filter(({ old }) => old?.isAvailable !== true);
  const serving = ahead.filter(({ old }) => old?.isAvailable === true);
  const room = Math.max(0, bounds.surge - under.length - idle.length);
  return {
    ...REST,
    create: [...idle, ...serving.slice(0, room)].map(({ name }) => name),
    remove: done.flatMap(({ old }) => (old === undefined ? [] : [old.name])),
  };
}

function pairOn({ pods }: NodeState): { readonly next: DaemonPod | undefined; readonly old: DaemonPod | undefined } {
  const running = byAge(pods.filter(({ isDeleting, isFinished }) => !isDeleting && !isFinished));
  return { next: running.find(({ isCurrent }) => isCurrent), old: running.find(({ isCurrent }) => !isCurrent) };
}

/** The oldest first; of one age what is ready, then by name. */
function byAge(pods: readonly DaemonPod[]): readonly DaemonPod[] {
  return [...pods].sort(
    (left, right) =>
      left.createdAtMs - right.createdAtMs ||
      Number(right.isReady) - Number(left.isReady) ||
      (left.name < right.name ? -1 : 1),
  );
}
