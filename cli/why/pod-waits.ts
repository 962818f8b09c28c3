import { ageText } from "../../kinds/age.js";
import { nodeStatus } from "../../kinds/columns/node.js";
import { deletionHold } from "../../kinds/deletion-hold.js";
import { NETWORK_CONDITION } from "../../kinds/network-health.js";
import { metaOf } from "../../kinds/object.js";
import { conditionOf, isDeleting, isPodFinished, isPodReady } from "../../kinds/pod-state.js";
import { startWaits, startWaitText } from "../../kinds/start-after.js";
import type { Event } from "../../proto/gen/tallship/v1/event.js";
import type { Node } from "../../proto/gen/tallship/v1/node.js";
import type { ContainerStatus, Pod } from "../../proto/gen/tallship/v1/pod.js";
import { oneLine } from "../describe/facts.js";

/** What may be known beside a pod that has a node. */
export interface PodGround {
  /** Undefined: it is gone. */
  readonly node: Node | undefined;
  /** Of the pod, the oldest first. */
  readonly events: readonly Event[];
  readonly nowMs: number;
}

/** Why a pod that has a node is not as it should be: a sentence each, what stands first in its way first. Empty: nothing is wrong. Pure. */
export function waitsOf(pod: Pod, ground: PodGround): readonly string[] {
  if (isDeleting(pod)) return [`it is being deleted and ${deletionHold({ kind: "Pod", object: pod })}`];
  if (isPodFinished(pod)) return finished(pod);
  const found = [...nodeWaits(pod, ground), ...containerWaits(pod), ...unreadiness(pod, ground)];
  if (found.length === 0) return [];
  const texts = [...found, ...networkFaults(pod, ground)];
  const warning = ground.events.findLast(({ type }) => type === "Warning");
  if (warning === undefined || texts.some((text) => text.includes(oneLine(warning.message)))) return texts;
  const when = ageText(warning.lastTimestamp || warning.eventTime, ground.nowMs);
  return [...texts, `the last warning, ${when} ago: ${warning.reason}: ${oneLine(warning.message)}`];
}

function finished({ status }: Pod): readonly string[] {
  if (status?.phase === "Succeeded") return [];
  const said = [status?.reason, status?.message].filter((text) => text !== undefined && text !== "").join(": ");
  const ended = endedContainers(status?.initContainerStatuses, status?.containerStatuses);
  return [`it has failed${said === "" ? "" : `: ${said}`}`, ...ended];
}

function endedContainers(...lists: readonly (readonly ContainerStatus[] | undefined)[]): readonly string[] {
  return lists
    .flatMap((list) => list ?? [])
    .flatMap((container) => {
      const end = container.state?.terminated;
      return end === undefined || end.exitCode === 0 ? [] : [`container ${container.name} ${endText(end)}`];
    });
}

function nodeWaits(pod: Pod, { node, nowMs }: PodGround): readonly string[] {
  const name = pod.spec?.nodeName ?? "";
  if (node === undefined) return [`its node ${name} does not exist`];
  const ready = conditionOf(node.status?.conditions, "Ready");
  if (ready?.status === "True") return [];
  const since = ready === undefined ? "" : ` since ${ageText(ready.lastTransitionTime, nowMs)}`;
  const message = ready?.message ? `: ${oneLine(ready.message)}` : "";
  return [`its node ${name} is ${nodeStatus(node)}${since}${message}`];
}

/** What the node finds wrong with its network, since a pod that is not ready may wait for what it cannot reach. */
function networkFaults(pod: Pod, { node }: PodGround): readonly string[] {
  const fault = conditionOf(node?.status?.conditions, NETWORK_CONDITION);
  if (isPodReady(pod) || fault?.status !== "True") return [];
  const name = metaOf(node ?? {}).name;
  return [`its node ${name} finds a fault of the network: ${oneLine(fault.message)} (tsctl net check)`];
}

/** What the first container that does not run waits for; those behind it wait for it. */
function containerWaits(pod: Pod): readonly string[] {
  const { initContainerStatuses = [], containerStatuses = [] } = pod.status ?? {};
  const waits = startWaits(pod);
  if (waits.length > 0) return [`it is ${startWaitText(waits)}`];
  const init = initContainerStatuses.flatMap((status) => containerWait(status, "init container"));
  const running = initContainerStatuses.filter(
    ({ state, started }) => state?.running !== undefined && started !== true,
  );
  const busy = running.map(({ name }) => `init container ${name} has not ended yet`);
  if (init.length + busy.length > 0) return [...init, ...busy];
  const main = containerStatuses.flatMap((status) => containerWait(status, "container"));
  if (main.length > 0 || containerStatuses.length > 0) return main;
  return pod.status?.phase === "Pending" ? [`node ${pod.spec?.nodeName} has not begun with it yet`] : [];
}

function containerWait({ name, state, lastState }: ContainerStatus, word: string): readonly string[] {
  const { waiting } = state ?? {};
  const ended = lastState?.terminated ?? state?.terminated;
  const end = ended === undefined || ended.exitCode === 0 ? "" : `; it ${endText(ended)}`;
  if (waiting !== undefined && waiting.reason !== "PodInitializing") {
    const what = WORDS[waiting.reason] ?? waiting.reason;
    return [`${word} ${name}: ${what}${waiting.message === "" ? "" : `: ${oneLine(waiting.message)}`}${end}`];
  }
  return state?.terminated === undefined || end === "" ? [] : [`${word} ${name}${end.slice(1)}`];
}

const WORDS: Readonly<Record<string, string>> = {
  ContainerCreating: "its image, volumes or network are not there yet",
  CrashLoopBackOff: "it ends again and again (CrashLoopBackOff)",
};

function endText(end: { readonly exitCode: number; readonly reason: string; readonly message: string }): string {
  const reason = end.reason === "" || end.reason === "Error" ? "" : ` (${end.reason})`;
  return `ended with ${end.exitCode}${reason}${end.message === "" ? "" : `: ${oneLine(end.message)}`}`;
}

function unreadiness(pod: Pod, { node }: PodGround): readonly string[] {
  if (node === undefined || isPodReady(pod) || pod.status?.phase !== "Running") return [];
  const unready = pod.status.containerStatuses.filter(({ ready, state }) => !ready && state?.running !== undefined);
  const probes = unready.map(({ name }) => `container ${name} runs, and its readiness probe does not pass`);
  const gates = (pod.spec?.readinessGates ?? [])
    .filter(({ conditionType }) => conditionOf(pod.status?.conditions, conditionType)?.status !== "True")
    .map(({ conditionType }) => `readiness gate ${conditionType} is not True`);
  return [...probes, ...gates];
}
