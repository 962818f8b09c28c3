import type { Labels } from "../kinds/label-selector.js";
import { limit } from "../lib/limits.js";
import type { Node } from "../proto/gen/tallship/v1/node.js";
import type { Pod } from "../proto/gen/tallship/v1/pod.js";
import { Budgets } from "./budgets.js";
import { CountedLabels } from "./counted-labels.js";
import { DeviceUse } from "./devices/device-use.js";
import { GroupCounts } from "./group-counts.js";
import { HeldImages } from "./held-images.js";
import { Lookalikes } from "./lookalikes.js";
import { allocatableOf, countPort, isSamePlace, type NodeRecord, type Placed } from "./node-record.js";
import type { PeerCount } from "./peer-count.js";
import { PeerCounts } from "./peer-counts.js";
import { type Peers, type PeerTerm, peersOf } from "./peers.js";
import { pinnedNode } from "./pinned-node.js";
import type { Amounts } from "./pod-requests.js";
import { PriorityCounts } from "./priority-counts.js";
import { makeShape, type Shape, type ShapeContext, shapeKey } from "./shape.js";
import { SlotLoads } from "./slot-loads.js";
import { SoftTainted } from "./soft-tainted.js";
import { isSameTenure, PLAIN_TENURE, type Tenant, type Tenure } from "./tenant.js";
import { Tenants } from "./tenants.js";
import { readTopology, type Topology } from "./topology.js";
import { type NodeSizes, sizesOf } from "./use-with-pod.js";
import type { VolumeDemand } from "./volume-demand.js";

/** The resources that always have a column, in the order of their columns. Extended resources follow as they are seen. */
export const COLUMN = { cpu: 0, memory: 1, pods: 2, "ephemeral-storage": 3 } as const;

/**
 * Nodes and what runs on them, in columns: one typed array per resource, one slot per node, in order of name. Changes cost what changed;
 * nodes that come or go lay the columns out anew at the next `layOut`. Given the same objects in any order it holds the same.
 */
export class Snapshot {
  /** What pods may use of cpu and memory, by slot. */
  allocatableCpu: Float64Array = new Float64Array(0);
  allocatableMemory: Float64Array = new Float64Array(0);
  /** What is left of each resource, by column, then slot; negative where a node shrank below its pods. */
  free: Float64Array[] = [];
  /** Used as scores count it: requests, and a small amount for each pod that requests nothing. */
  scoredCpu = new Float64Array(0);
  scoredMemory = new Float64Array(0);
  /** Nodes in order of name: slot to record. */
  records: readonly NodeRecord[] = [];
  /** Grows whenever a node object changes in a way that matters to placement. */
  nodesVersion = 0;
  /** Slots whose use changed. */
  readonly changed = new SlotLoads();
  /** How many pods of a group each node runs. */
  readonly groups = new GroupCounts();
  /** How many pods only have room kept for them. */
  reservedCount = 0;
  readonly priorities = new PriorityCounts();
  /** How many evictions the pods of the cluster can bear. */
  readonly budgets = new Budgets();
  /** What pods ask about each other. */
  readonly peers = new PeerCounts();
  /** Who has which devices. */
  readonly devices = new DeviceUse();
  /** Nodes with a taint of effect PreferNoSchedule. */
  readonly softTainted = new SoftTainted();
  /** Which nodes hold which images. */
  readonly images = new HeldImages();
  /**
   * Grows when pods are told apart by more than before: a pod came that asks about labels nobody asked about. Who feeds the snapshot then
   * makes the shapes of all pods anew and places the placed ones again; until that is done, they count as what they were.
   */
  shapesVersion = 0;
  private readonly nodes = new Map<string, NodeRecord>();
  private readonly placed = new Map<string, Placed>();
  /** Those that have a column, in that order. */
  private readonly resources: string[] = [];
  private readonly shapes = new Map<string, Shape>();
  private readonly waiting = new Lookalikes(limit("schedulerShapes"));
  private readonly bound = new Lookalikes(limit("schedulerShapes"));
  /** Which labels some term asks about. */
  private readonly counting = new CountedLabels();
  private readonly topologies = new Map<string, Topology>();
  private topologiesVersion = 0;
  /** What pods may use, by column, then slot. */
  private allocatable: Float64Array[] = [];
  private known = { version: -1, sizes: sizesOf(new Float64Array(0), new Float64Array(0)) };
  private isLaidOut = false;

  constructor() {
    for (const resource of Object.keys(COLUMN)) this.columnOf(resource);
  }

  /** The shape of a pod that waits, whose claims ask for that; the same object for pods of equal shape, as long as it is remembered. */
  shapeOf(pod: Pod, volumes?: VolumeDemand): Shape {
    if (volumes !== undefined) return this.shapeFor(pod, pinnedNode(pod), volumes);
    const known = this.waiting.find(pod, { isBound: false, byLabels: this.counting.areAsked });
    if (known !== undefined) return known;
    const shape = this.shapeFor(pod, pinnedNode(pod), undefined);
    this.waiting.remember(pod, shape, false);
    return shape;
  }

  /** The shape of a pod that is bound: that which it had when it waited, since its node no longer matters to it. */
  shapeOfBound(pod: Pod): Shape {
    const known = this.bound.find(pod, { isBound: true, byLabels: this.counting.areAsked });
    if (known !== undefined) return known;
    const shape = this.shapeFor(pod, "", undefined, true);
    this.bound.remember(pod, shape, true);
    return shape;
  }

  private shapeFor(pod: Pod, nodeName: string, volumes: VolumeDemand | undefined, isBound = false): Shape {
    const peers = peersOf(pod);
    if (peers !== undefined) this.learn(peers);
    const context: ShapeContext = { nodeName, volumes, peers, counted: this.counting.of(pod), isBound };
    const key = shapeKey(pod, context);
    const known = this.shapes.get(key);
    if (known !== undefined) return known;
    const shape = makeShape(key, pod, context, (resource) => this.columnOf(resource));
    this.shapes.set(key, shape);
    if (this.shapes.size > limit("schedulerShapes")) this.forgetOldestShape();
    return shape;
  }

  /** The placed pods that the term selects, counted by its topology; the columns are laid out. */
  selectedBy(term: PeerTerm): PeerCount {
    const count = this.peers.selectedBy(term, this.nodes.values());
    count.follow(this.topology(term.topologyKey));
    return count;
  }

  /** The placed pods that keep pods of the shape away, one count per term; the columns are laid out. */
  repelling(shape: Shape): readonly PeerCount[] {
    return this.followed(this.peers.repelling(shape));
  }

  /** The placed pods that would like pods of the shape near, or far; the columns are laid out. */
  drawing(shape: Shape): ReturnType<PeerCounts["drawing"]> {
    const { liking, disliking } = this.peers.drawing(shape);
    return { liking: this.followed(liking), disliking: this.followed(disliking) };
  }

  private followed(counts: readonly PeerCount[]): readonly PeerCount[] {
    for (const count of counts) count.follow(this.topology(count.term.topologyKey));
    return counts;
  }

  /** The domains of a node label; the columns are laid out. */
  topology(topologyKey: string): Topology {
    if (this.topologiesVersion !== this.nodesVersion) this.topologies.clear();
    this.topologiesVersion = this.nodesVersion;
    const known = this.topologies.get(topologyKey);
    if (known !== undefined) return known;
    const topology = readTopology(topologyKey, this.records);
    this.topologies.set(topologyKey, topology);
    return topology;
  }

  private learn(peers: Peers): void {
    if (this.counting.learn(peers)) this.tellApart();
  }

  /** Takes the labels of a namespace; undefined: it is gone. */
  setNamespace(name: string, labels: Labels | undefined): void {
    if (this.counting.setNamespace(name, labels)) this.tellApart();
  }

  /** Pods are told apart by other things than before. */
  private tellApart(): void {
    this.shapesVersion += 1;
    this.forgetLookalikes();
  }

  private forgetLookalikes(): void {
    this.waiting.clear();
    this.bound.clear();
  }

  /** Adds a node or takes its new state; returns false when nothing changed that matters to placement. */
  setNode(node: Node): boolean {
    const record = this.recordOf(node.metadata?.name ?? "");
    const before = record.node;
    if (before !== undefined && isSamePlace(before, node)) {
      record.node = node;
      return false;
    }
    record.node = node;
    this.devices.setNode(record);
    this.nodesVersion += 1;
    for (const resource of Object.keys(node.status?.allocatable ?? {})) this.columnOf(resource);
    if (record.slot < 0) this.isLaidOut = false;
    else this.readAllocatable(record);
    return true;
  }

  /** Takes a node away; pods that were bound to it are remembered in case it comes back. */
  removeNode(name: string): void {
    const record = this.nodes.get(name);
    if (record?.node === undefined) return;
    record.node = undefined;
    this.devices.setNode(record);
    this.nodesVersion += 1;
    this.isLaidOut = false;
    if (record.pods.size === 0) this.nodes.delete(name);
  }

  /** Counts a pod on a node, and no longer on any other. Twice is once. */
  place(podId: string, shape: Shape, nodeName: string, tenure: Tenure = PLAIN_TENURE): void {
    if (!this.isOn(nodeName, podId, shape, tenure)) this.add(podId, shape, this.recordOf(nodeName), tenure);
  }

  /** As `place`, on the node of a slot; the columns are laid out. */
  placeAt(podId: string, shape: Shape, slot: number, tenure: Tenure = PLAIN_TENURE): void {
    const record = this.records[slot];
    if (record !== undefined && !this.isOn(record.name, podId, shape, tenure)) this.add(podId, shape, record, tenure);
  }

  /** True when the pod is counted on the node already; if not, it is counted nowhere any more. */
  private isOn(nodeName: string, podId: string, shape: Shape, tenure: Tenure): boolean {
    const known = this.placed.get(podId);
    if (known === undefined) return false;
    const isThere = known.record.name === nodeName && known.shape === shape;
    // Where it was may be a node that is gone, and is forgotten with its last pod.
    if (!isThere) this.remove(podId);
    else if (!isSameTenure(known.tenure, tenure)) this.retenure(known, tenure);
    return isThere;
  }

  private add(podId: string, shape: Shape, record: NodeRecord, tenure: Tenure): void {
    const placed: Placed = { id: podId, shape, tenure, record, at: 0 };
    record.pods.add(placed);
    this.placed.set(podId, placed);
    this.countTenure(tenure, 1);
    this.charge(record, shape, 1);
  }

  /** What the pod takes stays the same, so that nobody has to look but who asks for room. */
  private retenure(before: Placed, tenure: Tenure): void {
    const { id, shape, record } = before;
    const placed: Placed = { id, shape, tenure, record, at: 0 };
    record.pods.replace(before, placed);
    this.placed.set(id, placed);
    this.devices.forget(record);
    this.countTenure(before.tenure, -1);
    this.countTenure(tenure, 1);
    if (record.slot >= 0) this.changed.add(record.slot);
  }

  /** Counts a pod no longer; returns the node it was on. */
  remove(podId: string): string | undefined {
    const placed = this.placed.get(podId);
    if (placed === undefined) return undefined;
    const { record, shape, tenure } = placed;
    record.pods.remove(placed);
    this.placed.delete(podId);
    this.countTenure(tenure, -1);
    this.charge(record, shape, -1);
    if (record.node === undefined && record.pods.size === 0) this.nodes.delete(record.name);
    return record.name;
  }

  /** The node that a pod is counted on. */
  nodeOf(podId: string): string | undefined {
    return this.placed.get(podId)?.record.name;
  }

  /** The pod, where it is counted. */
  tenant(podId: string): Tenant | undefined {
    return this.placed.get(podId);
  }

  /** The record of a node, when it is known. */
  record(name: string): NodeRecord | undefined {
    return this.nodes.get(name);
  }

  /** Brings the columns up to date; must be called before they are read. Costs nothing unless nodes came or went. */
  layOut(): void {
    if (this.isLaidOut) return;
    this.isLaidOut = true;
    const records = [...this.nodes.values()].filter((record) => record.node !== undefined).sort(byName);
    for (const record of this.records) record.slot = -1;
    records.forEach((record, slot) => {
      record.slot = slot;
    });
    this.records = records;
    const { length } = records;
    this.allocatable = this.allocatable.map(() => new Float64Array(length));
    this.free = this.free.map(() => new Float64Array(length));
    this.allocatableCpu = this.allocatable[COLUMN.cpu] ?? new Float64Array(length);
    this.allocatableMemory = this.allocatable[COLUMN.memory] ?? new Float64Array(length);
    this.scoredCpu = new Float64Array(length);
    this.scoredMemory = new Float64Array(length);
    this.groups.layOut(length);
    for (const record of records) {
      this.readAllocatable(record);
      for (const { shape } of record.pods.values()) this.chargeSlot(record.slot, shape, 1);
    }
    this.changed.reset(length);
  }

  /** The least and most that any node has of cpu and memory; good until a node object changes. */
  get sizes(): NodeSizes {
    if (this.known.version !== this.nodesVersion)
      this.known = {
        version: this.nodesVersion,
        sizes: sizesOf(this.allocatableCpu, this.allocatableMemory),
      };
    return this.known.sizes;
  }

  /** What a pod of the shape requests, by resource. */
  amountsOf({ requests }: Shape): Amounts {
    return new Map(requests.map(({ column, amount }) => [this.resourceOf(column), amount]));
  }

  /** Name of the resource that stands in a column. */
  resourceOf(column: number): string {
    return this.resources[column] ?? "";
  }

  private columnOf(resource: string): number {
    const known = this.resources.indexOf(resource);
    const column = known >= 0 ? known : this.resources.push(resource) - 1;
    while (this.allocatable.length <= column) {
      this.allocatable.push(new Float64Array(this.records.length));
      this.free.push(new Float64Array(this.records.length));
    }
    return column;
  }

  private forgetOldestShape(): void {
    this.forgetLookalikes();
    for (const key of this.shapes.keys()) {
      this.shapes.delete(key);
      return;
    }
  }

  private recordOf(name: string): NodeRecord {
    const known = this.nodes.get(name);
    if (known !== undefined) return known;
    const pods = new Tenants<Placed>();
    const record: NodeRecord = {
      name,
      node: undefined,
      slot: -1,
      pods,
      ports: new Map(),
      devices: [],
      board: undefined,
    };
    this.nodes.set(name, record);
    return record;
  }

  private readAllocatable({ node, slot }: NodeRecord): void {
    for (const [column, resource] of this.resources.entries()) {
      const amount = allocatableOf(node, resource);
      const allocatable = this.allocatable[column];
      const free = this.free[column];
      if (allocatable === undefined || free === undefined) continue;
      free[slot] = (free[slot] ?? 0) + amount - (allocatable[slot] ?? 0);
      allocatable[slot] = amount;
    }
    this.changed.add(slot);
  }

  private charge(record: NodeRecord, shape: Shape, sign: 1 | -1): void {
    for (const { port, hostIP } of shape.ports) countPort(record, port, hostIP, sign);
    this.peers.charge(record, shape, sign);
    this.devices.charge(record, shape, sign);
    if (record.slot >= 0) this.chargeSlot(record.slot, shape, sign);
  }

  private chargeSlot(slot: number, { requests, scored, group }: Shape, sign: 1 | -1): void {
    this.groups.charge(slot, group, sign);
    for (const { column, amount } of requests) {
      const free = this.free[column];
      if (free !== undefined) free[slot] = (free[slot] ?? 0) - sign * amount;
    }
    const cpu = (this.scoredCpu[slot] ?? 0) + sign * scored.cpuMillicores;
    const memory = (this.scoredMemory[slot] ?? 0) + sign * scored.memoryBytes;
    this.scoredCpu[slot] = cpu;
    this.scoredMemory[slot] = memory;
    if (sign < 0) {
      this.changed.add(slot);
      return;
    }
    const [allCpu, allMemory] = [this.allocatableCpu[slot] ?? 0, this.allocatableMemory[slot] ?? 0];
    const lean = cpu / allCpu - memory / allMemory;
    this.changed.addLoad(slot, scored.cpuMillicores / allCpu, scored.memoryBytes / allMemory, lean);
  }

  private countTenure({ priority, isReserved }: Tenure, sign: 1 | -1): void {
    if (isReserved) this.reservedCount += sign;
    this.priorities.add(priority, sign);
  }
}

function byName(left: NodeRecord, right: NodeRecord): number {
  return left.name < right.name ? -1 : 1;
}
