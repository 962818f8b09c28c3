import { durationText } from "../../kinds/age.js";
import type { PodWhen, WhenResponse } from "../../proto/gen/tallship/v1/explain.js";

/** When one pod gets a node, and what that rests on. */
export function whenLines(pod: PodWhen, { waitingCount, unknownEnds }: WhenResponse): readonly string[] {
  const all = `number ${pod.position} of ${waitingCount === 1 ? "1 pod that waits" : `${waitingCount} pods that wait`}`;
  const line = pod.queue === "" ? "" : `, number ${pod.queuePosition} of ${pod.queueWaiting} in queue ${pod.queue}`;
  const head = `pod/${pod.name}: ${all}${line}`;
  if (pod.inSeconds === undefined)
    return [head, `  when it gets a node is not known: ${pod.heldBy || unknownText(unknownEnds)}`];
  if (pod.inSeconds === 0) return [head, `  gets a node now: ${pod.node}`];
  const when = `  gets a node in about ${durationText(pod.inSeconds * 1_000)}, at ${pod.startsAt}: ${pod.node}`;
  return [head, when, "  if:", ...pod.assumptions.map((each) => `    ${each}`)];
}

/** What would have to be known. */
function unknownText(unknownEnds: number): string {
  if (unknownEnds === 0) return "no pod that runs is in its way, and no node takes it (tsctl why tells more)";
  const pods =
    unknownEnds === 1
      ? "1 pod that runs does not say when it ends"
      : `${unknownEnds} pods that run do not say when they end`;
  return `what is known to end does not make enough room, and ${pods}`;
}
