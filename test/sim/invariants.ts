import { controllerOf } from "../../kinds/owners.js";
import type { KindName } from "../../kinds/registry.js";
import { cpuMillicores, quantityBytes } from "../../lib/quantity.js";
import type { Job } from "../../proto/gen/tallship/v1/job.js";
import type { Node } from "../../proto/gen/tallship/v1/node.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { pinnedNode } from "../../scheduler/pinned-node.js";
import type { StoreTruth } from "./world.js";

/** A container that runs on some host, whatever anybody knows of it. */
export interface LiveContainer {
  readonly host: string;
  readonly podUid: string;
  readonly podName: string;
  readonly address: string;
}

/** A write that was acknowledged to a client: until its client changes the object again, it is there, at this revision or later. */
export interface Acknowledged {
  readonly kind: KindName;
  readonly name: string;
  readonly revision: number;
  /** What the client wrote, as it can be read again. */
  readonly mark: string;
}

/** What the checks may look at. */
export interface Evidence {
  readonly truth: StoreTruth;
  readonly live: () => readonly LiveContainer[];
  /** Grows whenever hosts may run something else than before. */
  readonly hostChanges: () => number;
  readonly acknowledged: () => readonly Acknowledged[];
}

/** Watches what must always hold; `check` throws with what broke. Keeps what it has seen, so that going back shows. */
export class Invariants {
  private readonly evidence: Evidence;
  private readonly nodeOf = new Map<string, string>();
  private readonly restarts = new Map<string, number>();
  private readonly ended = new Map<string, string>();
  /** Names of stateful sets' pods by uid: what runs is told by them when its object is gone. */
  private readonly numbered = new Map<string, string>();
  /** Counts of jobs by uid. */
  private readonly counts = new Map<string, { readonly succeeded: number; readonly failed: number }>();
  private checkedRevision = -1;
  private checkedHosts = -1;

  constructor(evidence: Evidence) {
    this.evidence = evidence;
  }

  /** Checks everything; cheap when nothing was written. */
  check(): void {
    const { truth } = this.evidence;
    const hosts = this.evidence.hostChanges();
    const isWritten = truth.revision !== this.checkedRevision;
    if (isWritten || hosts !== this.checkedHosts) this.checkAddresses();
    this.checkedHosts = hosts;
    if (!isWritten) return;
    this.checkedRevision = truth.revision;
    for (const { object } of truth.all("Pod")) this.checkPod(object);
    for (const { object } of truth.all("Job")) this.checkJob(object);
    this.checkDaemons();
    this.checkResources();
    this.checkAcknowledged();
  }

  /** No two live pods have one name or one address. */
  private checkAddresses(): void {
    const holders = new Map<string, LiveContainer>();
    for (const container of this.evidence.live()) {
      const podName = this.numbered.get(container.podUid) ?? container.podName;
      for (const mark of [`name ${podName}`, `address ${container.address}`]) {
        const other = holders.get(mark);
        if (other !== undefined && other.podUid !== container.podUid)
          broken(`two live pods share the ${mark}: ${JSON.stringify([other, container])}`);
        holders.set(mark, container);
      }
    }
  }

  private checkPod(pod: Pod): void {
    const { uid = "", name = "" } = pod.metadata ?? {};
    const node = pod.spec?.nodeName ?? "";
    const bound = this.nodeOf.get(uid);
    if (bound !== undefined && bound !== node) broken(`pod ${name} moved from node ${bound} to "${node}"`);
    if (node !== "") this.nodeOf.set(uid, node);
    if (controllerOf(pod)?.kind === "StatefulSet") this.numbered.set(uid, name);
    this.checkStatus(uid, pod);
  }

  /** A count never falls, and what has ended stays ended. */
  private checkStatus(uid: string, { metadata, status }: Pod): void {
    const restarts = status?.containerStatuses.reduce((sum, { restartCount }) => sum + restartCount, 0) ?? 0;
    const before = this.restarts.get(uid) ?? 0;
    if (restarts < before && status?.containerStatuses.length !== 0)
      broken(`the restart count of ${metadata?.name} fell from ${before} to ${restarts}`);
    this.restarts.set(uid, Math.max(before, restarts));
    const phase = status?.phase ?? "";
    const ended = this.ended.get(uid);
    if (ended !== undefined && phase !== ended) broken(`pod ${metadata?.name} had ${ended} and is ${phase}`);
    if (phase === "Succeeded" || phase === "Failed") this.ended.set(uid, phase);
  }

  /** What was counted stays counted, no more succeeds than was asked for, and no index is counted twice. */
  private checkJob({ metadata, spec, status }: Job): void {
    const { uid = "", name = "" } = metadata ?? {};
    const { succeeded = 0, failed = 0, completedIndexes = "" } = status ?? {};
    const before = this.counts.get(uid) ?? { succeeded: 0, failed: 0 };
    if (succeeded < before.succeeded || failed < before.failed)
      broken(`job ${name} counted ${JSON.stringify(before)} and counts ${JSON.stringify({ succeeded, failed })}`);
    this.counts.set(uid, { succeeded, failed });
    if (succeeded > (spec?.completions ?? 1))
      broken(`job ${name} wants ${spec?.completions} completions and counts ${succeeded}`);
    if (spec?.completionMode === "Indexed" && indexCount(completedIndexes) !== succeeded)
      broken(`job ${name} counts ${succeeded} and names indexes ${completedIndexes}`);
  }

  /** No node has two pods of a daemon set that are both to stay. */
  private checkDaemons(): void {
    const seen = new Map<string, string>();
    for (const { object } of this.evidence.truth.all("Pod")) {
      const owner = controllerOf(object);
      const isStaying = (object.metadata?.deletionTimestamp ?? "") === "" && object.status?.phase !== "Failed";
      if (owner?.kind !== "DaemonSet" || !isStaying) continue;
      const node = pinnedNode(object);
      const other = seen.get(`${owner.uid} ${node}`);
      if (other !== undefined) broken(`node ${node} has daemon pods ${other} and ${object.metadata?.name}`);
      seen.set(`${owner.uid} ${node}`, object.metadata?.name ?? "");
    }
  }

  /** No node holds more than it has. */
  private checkResources(): void {
    const { truth } = this.evidence;
    const used = new Map<string, { cpu: number; memory: number; pods: number }>();
    for (const { object } of truth.all("Pod")) {
      const node = object.spec?.nodeName ?? "";
      if (node === "" || object.status?.phase === "Succeeded" || object.status?.phase === "Failed") continue;
      const sum = used.get(node) ?? { cpu: 0, memory: 0, pods: 0 };
      sum.pods += 1;
      for (const { resources } of object.spec?.containers ?? []) {
        sum.cpu += cpuMillicores(resources?.requests["cpu"] ?? "0");
        sum.memory += quantityBytes(resources?.requests["memory"] ?? "0");
      }
      used.set(node, sum);
    }
    for (const { object } of truth.all("Node")) this.checkNode(object, used.get(object.metadata?.name ?? ""));
  }

  private checkNode(
    { metadata, status }: Node,
    sum: { readonly cpu: number; readonly memory: number; readonly pods: number } | undefined,
  ): void {
    const has = status?.allocatable;
    if (sum === undefined || has === undefined || has["cpu"] === undefined) return;
    const isOver =
      sum.cpu > cpuMillicores(has["cpu"]) ||
      sum.memory > quantityBytes(has["memory"] ?? "0") ||
      sum.pods > Number(has["pods"] ?? "0");
    if (isOver) broken(`node ${metadata?.name} holds ${JSON.stringify(sum)} of ${JSON.stringify(has)}`);
  }

  /** What a client was told is written is there. */
  private checkAcknowledged(): void {
    const { truth, acknowledged } = this.evidence;
    for (const { kind, name, mark } of acknowledged()) {
      const found = truth.all(kind).find(({ object }) => object.metadata?.name === name);
      if (found === undefined) broken(`${kind} ${name} was acknowledged and is gone`);
      else if (found.object.metadata?.annotations["sim/mark"] !== mark)
        broken(
          `${kind} ${name} was acknowledged with mark ${mark} and has ${found.object.metadata?.annotations["sim/mark"]}`,
        );
    }
  }
}

/** How many numbers a list such as 0,2-4 names. */
function indexCount(text: string): number {
  const parts = text.split(",").filter((part) => part !== "");
  return parts.reduce((sum, part) => {
    const [first = 0, last = first] = part.split("-").map(Number);
    return sum + last - first + 1;
  }, 0);
}

function broken(what: string): never {
  throw new Error(`invariant broken: ${what}`);
}
