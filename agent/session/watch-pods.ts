import { metaOf } from "../../kinds/object.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { type WatchParts, type WatchUpdate, watchObjects } from "./watch-objects.js";

/** Who is told which pods a node should have. */
export interface DesiredPods {
  replaceDesired(pods: readonly Pod[]): void;
  setDesired(pod: Pod): void;
  dropDesired(uid: string): void;
}

/** What following a node's pods needs. */
export interface PodWatchParts extends Pick<WatchParts, "book" | "clock" | "rng" | "log"> {
  readonly nodeName: string;
  readonly loop: DesiredPods;
}

/** Tells the loop which pods are bound to the node, until the signal aborts. */
export function watchPods({ nodeName, loop, ...parts }: PodWatchParts, signal: AbortSignal): Promise<void> {
  const { book, clock, rng, log } = parts;
  const selections = [{ kind: "Pod", namespace: "", labels: "", fields: `spec.nodeName=${nodeName}` }];
  return watchObjects({ book, selections, onUpdate: podUpdates(loop), clock, rng, log }, signal);
}

/** Hands on what a watch of the node's pods tells, to be called with its updates in order. */
export function podUpdates(loop: DesiredPods): (update: WatchUpdate) => void {
  const uids = new Map<string, string>();
  return ({ changes, isWhole }) => {
    if (isWhole) loop.replaceDesired(changes.flatMap(({ typed }) => (typed?.kind === "Pod" ? [typed.object] : [])));
    // One by one: the pod that goes and the one that comes may have the same name.
    for (const { key, typed } of changes) {
      const pod = typed?.kind === "Pod" ? typed.object : undefined;
      const [before, uid] = [uids.get(key), pod && metaOf(pod).uid];
      if (before !== undefined && before !== uid) loop.dropDesired(before);
      if (uid === undefined) uids.delete(key);
      else uids.set(key, uid);
      if (pod !== undefined && !isWhole) loop.setDesired(pod);
    }
  };
}
