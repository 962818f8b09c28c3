import { cpuMillicores, quantityBytes } from "../../lib/quantity.js";
import type { Node } from "../../proto/gen/tallship/v1/node.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
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
  readonly kind: "ConfigMap" | "Deployment";
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
    this.checkResources();
    this.checkAcknowledged();
  }

  /** No two live pods have one name or one address. */
  private checkAddresses(): void {
    const holders = new Map<string, LiveContainer>();
    for (const container of this.evidence.live()) {
      for (const mark of [`name ${container.podName}`, `address ${container.address}`]) {
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

function broken(what: string): never {
  throw new Error(`invariant broken: ${what}`);
}
