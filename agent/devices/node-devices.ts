import { TallshipError } from "../../lib/errors.js";
import { LatestSave } from "../../lib/latest-save.js";
import type { Log } from "../../lib/log.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { type Allocation, assignDevices, kindsIn } from "./assign-devices.js";
import { type CdiCatalog, type CdiFile, catalogOf, NO_DEVICES } from "./cdi-catalog.js";
import type { CdiEdits } from "./cdi-spec.js";
import type { DeviceFacts } from "./device-facts.js";
import { ALL, type Inventory, inventoryOf } from "./device-inventory.js";
import type { FindNode } from "./edit-spec.js";

/** What pods have of the node's devices, by uid. */
export type Allocations = ReadonlyMap<string, Allocation>;

/** Edge: what the node's devices are made of. */
export interface DeviceEdges {
  /** The files that describe devices; undefined when they are as at the last call. */
  read(): readonly CdiFile[] | undefined;
  /** What was saved last; empty when nothing was. */
  load(): Allocations;
  /** Resolves when it would survive a power cut. */
  save(all: Allocations): Promise<void>;
  readonly findNode: FindNode;
}

/** A device, its other names, and what its file says of it. */
export interface ReportedDevice extends DeviceFacts {
  readonly name: string;
  readonly aliases: readonly string[];
}

/** What the node says of its devices. */
export interface DeviceReport {
  /** Devices by the resource that they are asked for as. */
  readonly counts: Readonly<Record<string, number>>;
  /** The devices that are counted, in order, by their CDI names. */
  readonly devices: readonly ReportedDevice[];
  /** What is wrong with the files that describe them, one sentence each. */
  readonly problems: readonly string[];
}

/**
 * The devices of a node and who has them. A decision is made in one go on what is known, so that no device is given twice; it is on disk before anything follows from it,
 * and holds until the pod is gone, over the agent's death and the host's. A device that goes leaves who has it alone.
 */
export class NodeDevices {
  private readonly edges: DeviceEdges;
  private readonly log: Log;
  private readonly held = new Map<string, Allocation>();
  private catalog: CdiCatalog = NO_DEVICES;
  private inventory: Inventory = new Map();
  private readonly kept: LatestSave;

  constructor(edges: DeviceEdges, log: Log) {
    this.edges = edges;
    this.log = log;
    this.kept = new LatestSave(() => edges.save(this.held));
    for (const [uid, allocation] of edges.load()) this.held.set(uid, allocation);
    this.look();
  }

  /** Reads the files anew when they have changed; true when they had. */
  look(): boolean {
    const files = this.edges.read();
    if (files === undefined) return false;
    this.catalog = catalogOf(files);
    this.inventory = inventoryOf(this.catalog);
    for (const problem of this.catalog.problems) this.log.warn("a file of devices is refused", { error: problem });
    return true;
  }

  /** Pods that have devices, though nothing else may be left of them. */
  pods(): readonly string[] {
    return [...this.held.keys()];
  }

  /** What there is now. A resource that a pod still has something of is named with 0 when all of it is gone. */
  report(): DeviceReport {
    const kinds = [...new Set([...this.inventory.keys(), ...[...this.held.values()].flatMap(kindsIn)])].sort();
    const namesOf = (kind: string): readonly string[] => this.inventory.get(kind)?.names ?? [];
    return {
      counts: Object.fromEntries(kinds.map((kind) => [kind, namesOf(kind).length])),
      devices: kinds.flatMap((kind) => namesOf(kind).map((name) => this.reported(kind, name))),
      problems: this.catalog.problems,
    };
  }

  private reported(kind: string, name: string): ReportedDevice {
    const aliases = [...(this.inventory.get(kind)?.aliases ?? [])].flatMap(([alias, names]) =>
      alias !== name && alias !== ALL && names.length === 1 && names[0] === name ? [`${kind}=${alias}`] : [],
    );
    return { name: `${kind}=${name}`, aliases, ...this.catalog.kinds.get(kind)?.get(name)?.facts };
  }

  /** Gives a pod what it asks for; what it has already stays. Throws resource_exhausted when that is not there. */
  async assign(uid: string, pod: Pod): Promise<void> {
    const own = this.held.get(uid) ?? {};
    const others = [...this.held].filter(([other]) => other !== uid).map(([, allocation]) => allocation);
    const assigned = assignDevices({ pod, inventory: this.inventory, own, others });
    if (assigned.is === "refused") throw new TallshipError("resource_exhausted", `allocate failed: ${assigned.why}`);
    const { allocation } = assigned;
    if (JSON.stringify(allocation) !== JSON.stringify(own)) {
      this.kept.changed();
      if (Object.keys(allocation).length === 0) this.held.delete(uid);
      else this.held.set(uid, allocation);
    }
    await this.kept.saved();
  }

  /** Takes back what a pod has. */
  async release(uid: string): Promise<void> {
    if (this.held.delete(uid)) this.kept.changed();
    await this.kept.saved();
  }

  /** What a container's devices change of it, in their order; devices that have gone since are replaced first. */
  async editsOf(uid: string, pod: Pod, container: string): Promise<readonly CdiEdits[]> {
    await this.assign(uid, pod);
    const devices = this.held.get(uid)?.[container] ?? [];
    const edits = devices.flatMap(({ kind, name }) => this.catalog.kinds.get(kind)?.get(name)?.edits ?? []);
    return [...new Set(edits)]; // What a file gives to all its devices is given once.
  }

  get findNode(): FindNode {
    return this.edges.findNode;
  }
}
