import { metaOf } from "../../kinds/object.js";
import { isPodFinished } from "../../kinds/pod-state.js";
import { type Selection, Selection as SelectionMessage } from "../../proto/gen/tallship/v1/api.js";
import { type TopNode, type TopPod, TopResponse } from "../../proto/gen/tallship/v1/explain.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import type { UsageResponse } from "../../proto/gen/tallship/v1/session.js";
import { isWhole } from "../../scheduler/devices/board.js";
import { gpuUse } from "../../scheduler/devices/gpu-use.js";
import { fragmentation } from "../../scheduler/fragmentation.js";
import { amountOf, podRequests } from "../../scheduler/pod-requests.js";
import { compileSelection, selectFrom } from "../api/selection.js";
import type { View } from "../cache/view.js";
import type { SchedulerState } from "../scheduling/scheduler-state.js";

/** What was found out of what is used: nothing, and why, or all that nodes have said. */
export type Used =
  | { readonly is: "known"; readonly usage: UsageResponse }
  | { readonly is: "unknown"; readonly why: string };

/** What the pods of each node have reserved, and what the host uses. Pure. */
export function topNodes({ snapshot }: SchedulerState, used: Used): TopResponse {
  const shares = fragmentation(snapshot);
  const hosts = new Map(used.is === "known" ? used.usage.nodes.map((host) => [host.name, host]) : []);
  const nodes = snapshot.records.map(({ name, node, pods }, slot): TopNode => {
    const host = hosts.get(name);
    const requested = new Map<string, number>();
    for (const { shape, tenure } of pods.values())
      for (const { column, amount } of tenure.isReserved ? [] : shape.requests) {
        const resource = snapshot.resourceOf(column);
        requested.set(resource, (requested.get(resource) ?? 0) + amount);
      }
    // A device of which only shares are given out is no whole one any more.
    const board = snapshot.devices.boardOf(snapshot.records[slot]);
    for (const { resource } of board?.devices ?? []) requested.set(resource, 0);
    for (const [at, { resource }] of board?.devices.entries() ?? [])
      if (board !== undefined && !isWhole(board, at)) requested.set(resource, (requested.get(resource) ?? 0) + 1);
    const measured: Readonly<Record<string, number | undefined>> = {
      cpu: host?.cpuMillicores,
      memory: host?.memoryBytes,
    };
    const allocatable = Object.entries(node?.status?.allocatable ?? {});
    const resources = allocatable.sort(byResource).map(([resource, text]) => ({
      name: resource,
      allocatable: amountOf(resource, text),
      requested: requested.get(resource) ?? 0,
      used: measured[resource],
    }));
    return { name, resources, fragmentation: shares[slot], gpus: gpuUse(snapshot, slot) };
  });
  return TopResponse.fromPartial({ nodes, usageProblem: problemOf(used) });
}

/** What pods have reserved and use. Finished pods use nothing and are left out. Pure. */
export function topPods(selection: Selection, view: View, used: Used): TopResponse {
  const compiled = compileSelection(SelectionMessage.fromPartial({ ...selection, kind: "Pod" }), undefined);
  const byUid = new Map(used.is === "known" ? used.usage.pods.map((pod) => [pod.uid, pod]) : []);
  const pods = selectFrom(view, compiled).flatMap((cached) => {
    const pod = cached.kind === "Pod" ? view.get("Pod", ...nameOf(cached.object)) : undefined;
    if (pod === undefined || isPodFinished(pod)) return [];
    return [topPod(pod, byUid.get(metaOf(pod).uid)?.containers ?? [])];
  });
  return TopResponse.fromPartial({ pods, usageProblem: problemOf(used) });
}

function nameOf(object: Parameters<typeof metaOf>[0]): [string, string] {
  const { namespace, name } = metaOf(object);
  return [namespace, name];
}

function topPod(pod: Pod, containers: TopPod["containers"]): TopPod {
  const { namespace, name } = metaOf(pod);
  const requests = podRequests(pod);
  return {
    namespace,
    name,
    node: pod.spec?.nodeName ?? "",
    cpuMillicoresRequested: requests.get("cpu") ?? 0,
    memoryBytesRequested: requests.get("memory") ?? 0,
    containers,
  };
}

function problemOf(used: Used): string {
  return used.is === "unknown" ? used.why : "";
}

const FIRST: readonly string[] = ["cpu", "memory", "pods"];

/** cpu, memory and pods first, the others by name. */
function byResource([left]: readonly [string, string], [right]: readonly [string, string]): number {
  const [a, b] = [FIRST.indexOf(left), FIRST.indexOf(right)];
  if (a !== b) return (a === -1 ? FIRST.length : a) - (b === -1 ? FIRST.length : b);
  return left < right ? -1 : 1;
}
