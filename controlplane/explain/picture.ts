import type { Clock } from "../../lib/clock.js";
import { TallshipError } from "../../lib/errors.js";
import type { WatchCache } from "../cache/view.js";
import { ChangeFeed } from "../change-feed.js";
import { startPace } from "../pace.js";
import { SchedulerState } from "../scheduling/scheduler-state.js";
import { SCHEDULING_KINDS } from "../scheduling/scheduling-loop.js";

/** What it takes to see as the scheduler does. */
export interface PictureDeps {
  readonly cache: WatchCache;
  readonly clock: Clock;
}

/**
 * Asks the scheduler's picture of the cluster, made from this replica's cache. `ask` is called once, synchronously, when the picture and the
 * cache's view are of one revision. Made in slices of limits.apiSliceMs, on any replica; the leader's own picture is not touched.
 */
export async function askPicture<T>(
  { cache, clock }: PictureDeps,
  signal: AbortSignal,
  ask: (state: SchedulerState) => T,
): Promise<T> {
  const state = new SchedulerState(cache.view);
  const feed = new ChangeFeed(cache.view, SCHEDULING_KINDS);
  const pace = startPace(clock, signal);
  let isBehind = false;
  const stop = feed.follow(cache, {
    onMore: () => undefined,
    onBehind: () => {
      isBehind = true;
    },
  });
  try {
    while (takeOne(state, feed) || takeAnew(state, cache)) await pace();
    if (isBehind) throw new TallshipError("unavailable", "explain: the cluster changes faster than it can be read");
    return ask(state);
  } finally {
    stop();
  }
}

function takeOne(state: SchedulerState, feed: ChangeFeed): boolean {
  const change = feed.next();
  if (change !== undefined) state.take(change, 0);
  return change !== undefined;
}

/** Pods are told apart by more than when the first of them were taken. */
function takeAnew(state: SchedulerState, cache: WatchCache): boolean {
  if (!state.isOutdated) return false;
  const pods = cache.view.list("Pod").map(({ object }) => object);
  const steps = state.retake(pods, 0);
  while (steps.next().done !== true);
  return true;
}
