import type { Clock } from "../../lib/clock.js";
import { TallshipError } from "../../lib/errors.js";
import type { View, WatchCache } from "../cache/view.js";
import { ChangeFeed } from "../change-feed.js";
import { startPace } from "../pace.js";
import { ImageHoldings, type NodeHoldings } from "../scheduling/image-holdings.js";
import { SchedulerState } from "../scheduling/scheduler-state.js";
import { SCHEDULING_KINDS } from "../scheduling/scheduling-loop.js";

/** What it takes to see as the scheduler does. */
export interface PictureDeps {
  readonly cache: WatchCache;
  readonly clock: Clock;
  /** What connected nodes hold, as the leader knows it; absent: nobody knows. */
  readonly holdings?: NodeHoldings;
}

/** The cluster as the scheduler sees it. */
export interface Picture {
  readonly state: SchedulerState;
  /** The view that the picture was made from. */
  readonly view: View;
  /** To be awaited between steps of long work. */
  readonly pace: () => Promise<void> | undefined;
}

/**
 * Asks the scheduler's picture of the cluster, made from this replica's cache. `ask` is called once, synchronously, when the picture and the
 * cache's view are of one revision; from its first `await` on the view moves on, the picture does not. Made in slices of
 * limits.apiSliceMs, on any replica; the leader's own picture is not touched. With `over`, volumes and claims are looked for there.
 */
export async function askPicture<T>(
  { cache, clock, holdings }: PictureDeps,
  signal: AbortSignal,
  ask: (picture: Picture) => T | Promise<T>,
  over: View = cache.view,
): Promise<T> {
  const state = new SchedulerState(over);
  const feed = new ChangeFeed(cache.view, SCHEDULING_KINDS);
  const pace = startPace(clock, signal);
  let isBehind = false;
  const stop = feed.follow(cache, {
    onMore: () => undefined,
    onBehind: () => {
      isBehind = true;
    },
  });
  let asked: T | Promise<T>;
  try {
    while (takeOne(state, feed) || takeAnew(state, over) || state.admit()) await pace();
    if (isBehind) throw new TallshipError("unavailable", "explain: the cluster changes faster than it can be read");
    if (holdings !== undefined) new ImageHoldings(state.snapshot.images).look(cache.view, holdings);
    asked = ask({ state, view: over, pace });
  } finally {
    stop();
  }
  return asked;
}

function takeOne(state: SchedulerState, feed: ChangeFeed): boolean {
  const change = feed.next();
  if (change !== undefined) state.take(change, 0);
  return change !== undefined;
}

/** When pods are told apart by more than when the first of them were taken; true when they were taken anew. */
export function takeAnew(state: SchedulerState, view: View): boolean {
  if (!state.isOutdated) return false;
  const pods = view.list("Pod").map(({ object }) => object);
  const steps = state.retake(pods, 0);
  while (steps.next().done !== true);
  return true;
}
