import { isSidecar } from "../../kinds/pod-containers.js";
import { graceSecondsOf } from "../../kinds/pod-state.js";
import { RESIZABLE, type ResizableAmounts, resizableOf } from "../../kinds/resize.js";
import { deepEqual } from "../../lib/deep-equal.js";
import { cpuMillicores, quantityBytes } from "../../lib/quantity.js";
import type { Container } from "../../proto/gen/tallship/v1/container.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { newEnding } from "../checks/note-verdict.js";
import { containerRecord, type PodRecord, withContainer } from "../pod-record.js";

/** Another pod of the node. */
export interface Neighbour {
  readonly desired: Pod | undefined;
  readonly record: PodRecord;
}

/** What the node can give. */
export interface ResizeGround {
  readonly allocatable: Readonly<Record<string, string>>;
  readonly others: () => readonly Neighbour[];
  readonly nowMs: number;
}

/**
 * What is remembered of amounts that a pod's spec has come to ask for while its containers run: granted when the node has them, else why not, as Kubernetes tells it. A
 * container whose resizePolicy says so ends for it. Pure; without such a change the very record. What is less is always granted.
 */
export function noteResize(record: PodRecord, pod: Pod | undefined, ground: ResizeGround): PodRecord {
  const changed = pod === undefined || record.failure !== undefined ? [] : changedContainers(record, pod);
  if (pod === undefined || changed.length === 0)
    return record.resize === undefined ? record : { ...record, resize: undefined };
  const resize = refusal(record, pod, ground);
  if (resize !== undefined) return deepEqual(resize, record.resize) ? record : { ...record, resize };
  const before: PodRecord = { ...record, resize: undefined };
  return changed.reduce((soFar, container) => granted(soFar, pod, container, ground.nowMs), before);
}

/** Those that run beside each other and have been made with other amounts than the spec has now. */
function changedContainers(record: PodRecord, { spec }: Pod): readonly Container[] {
  const beside = [...(spec?.initContainers ?? []).filter(isSidecar), ...(spec?.containers ?? [])];
  return beside.filter((container) => {
    const { inForce, allocated = inForce } = containerRecord(record, container.name);
    return allocated !== undefined && !deepEqual(allocated, resizableOf(container.resources));
  });
}

function granted(record: PodRecord, pod: Pod, container: Container, nowMs: number): PodRecord {
  const known = containerRecord(record, container.name);
  const wanted = resizableOf(container.resources);
  const allocated = deepEqual(known.inForce, wanted) ? undefined : wanted;
  const mustEnd =
    allocated !== undefined &&
    known.ending === undefined &&
    known.startedAtMs !== undefined &&
    needsRestart(container, known.inForce, wanted);
  const why = `container ${container.name} is resized, will be restarted`;
  const ending = mustEnd ? newEnding(why, graceSecondsOf(pod) * 1000, nowMs) : known.ending;
  return withContainer(record, container.name, { allocated, ending, resizeFailure: undefined });
}

function needsRestart(
  { resizePolicy }: Container,
  before: ResizableAmounts | undefined,
  after: ResizableAmounts,
): boolean {
  return resizePolicy.some(
    ({ resourceName: name, restartPolicy }) =>
      restartPolicy === "RestartContainer" &&
      (before?.limits[name] !== after.limits[name] || before?.requests[name] !== after.requests[name]),
  );
}

/** Why the node does not give it; undefined when it does. */
function refusal(record: PodRecord, pod: Pod, { allocatable, others }: ResizeGround): PodRecord["resize"] {
  const [before, after] = [requestsOf(pod, record), requestsOf(pod, undefined)];
  const grown = RESIZABLE.filter((name) => after[name] > before[name]);
  for (const name of grown) {
    const capacity = amountOf(name, allocatable[name]);
    if (after[name] > capacity)
      return {
        reason: "Infeasible",
        message: `Node didn't have enough capacity: ${name}, requested: ${after[name]}, capacity: ${capacity}`,
      };
  }
  const used = grown.length === 0 ? [] : others().map((one) => requestsOf(one.desired, one.record));
  for (const name of grown) {
    const sum = used.reduce((total, each) => total + each[name], 0);
    const capacity = amountOf(name, allocatable[name]);
    if (after[name] + sum > capacity)
      return {
        reason: "Deferred",
        message: `Node didn't have enough resource: ${name}, requested: ${after[name]}, used: ${sum}, capacity: ${capacity}`,
      };
  }
  return undefined;
}

type Amounts = Readonly<Record<(typeof RESIZABLE)[number], number>>;

/** What a pod's containers reserve side by side: as granted, or with no record as asked for. A pod that is over reserves nothing. */
function requestsOf(pod: Pod | undefined, record: PodRecord | undefined): Amounts {
  const isOver = pod?.status?.phase === "Succeeded" || pod?.status?.phase === "Failed";
  const { initContainers = [], containers = [] } = isOver ? {} : (pod?.spec ?? {});
  const beside = [...initContainers.filter(isSidecar), ...containers];
  const total = { cpu: 0, memory: 0 };
  for (const container of beside) {
    const { limits, requests } = record === undefined ? resizableOf(container.resources) : grantedOf(record, container);
    for (const name of RESIZABLE) total[name] += amountOf(name, requests[name] ?? limits[name]);
  }
  return total;
}

/** The amounts that a container has, or is to have: those granted last, else those that its spec asks for. */
export function grantedOf(record: PodRecord, container: Container): ResizableAmounts {
  const { allocated, inForce } = containerRecord(record, container.name);
  return allocated ?? inForce ?? resizableOf(container.resources);
}

function amountOf(name: (typeof RESIZABLE)[number], quantity: string | undefined): number {
  if (quantity === undefined) return 0;
  return name === "cpu" ? cpuMillicores(quantity) : quantityBytes(quantity);
}
