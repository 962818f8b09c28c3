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
  const uids = new Map<string, string>();
  const onUpdate = ({ changes, isWhole }: WatchUpdate): void => {
    const pods = changes.flatMap(({ typed }): readonly Pod[] => (typed?.kind === "Pod" ? [typed.object] : []));
    for (const pod of pods) uids.set(podKey(pod), metaOf(pod).uid);
    if (isWhole) loop.replaceDesired(pods);
    else for (const pod of pods) loop.setDesired(pod);
    for (const { key, typed } of changes) {
      const uid = uids.get(key);
      if (typed === undefined && uid !== undefined) loop.dropDesired(uid);
      if (typed === undefined) uids.delete(key);
    }
  };
  const selections = [{ kind: "Pod", namespace: "", labels: "", fields: `spec.nodeName=${nodeName}` }];
  return watchObjects({ book, selections, onUpdate, clock, rng, log }, signal);
}

function podKey(pod: Pod): string {
  const { namespace, name } = metaOf(pod);
  return `Pod/${namespace}/${name}`;
}
