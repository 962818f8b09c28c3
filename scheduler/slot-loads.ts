import { ChangedSlots } from "./changed-slots.js";

/** What a pod that came to a node added there, in shares of what the node has. */
export interface Load {
  readonly slot: number;
  readonly cpu: number;
  readonly memory: number;
  /** Share of cpu used with it, less the share of memory. */
  readonly lean: number;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Numbers by which a load is remembered. */
const WIDTH = 3;

/** Which slots changed, in order; of changes that were only pods that came, also by how much. */
export class SlotLoads {
  /** How often each slot changed, so that who remembers something of a slot knows whether it still holds. */
  versions = new Uint32Array(0);
  private readonly slots = new ChangedSlots();
  /** By place in the log; NaN first where a change was anything else than a pod that came. */
  private loads = new Float64Array(WIDTH * this.slots.reach);
  private readonly load: Mutable<Load> = { slot: 0, cpu: 0, memory: 0, lean: 0 };
  private isMuted = false;

  /** Where a reader that has read everything stands. */
  get position(): number {
    return this.slots.position;
  }

  /** Notes that a slot changed in any way. */
  add(slot: number): void {
    this.addLoad(slot, Number.NaN, 0, 0);
  }

  /** Notes that a pod came to a slot, and nothing else happened. */
  addLoad(slot: number, cpu: number, memory: number, lean: number): void {
    if (this.isMuted) return;
    const { loads, slots, versions } = this;
    const at = WIDTH * (slots.position & (slots.reach - 1));
    loads[at] = cpu;
    loads[at + 1] = memory;
    loads[at + 2] = lean;
    versions[slot] = (versions[slot] ?? 0) + 1;
    slots.add(slot);
  }

  /** Runs what changes slots and leaves all of them as they were: nothing has changed. */
  muted<T>(trial: () => T): T {
    this.isMuted = true;
    try {
      return trial();
    } finally {
      this.isMuted = false;
    }
  }

  /** How many changes a reader at the position has to read; undefined when it must read everything anew. */
  behind(position: number): number | undefined {
    return this.slots.behind(position);
  }

  /** The slot of the change at a position that `behind` allows. */
  at(position: number): number {
    return this.slots.at(position);
  }

  /** What came with the change at a position that `behind` allows, if that is all that happened; good until it is asked for again. */
  loadAt(position: number): Load | undefined {
    const { load, loads, slots } = this;
    const at = WIDTH * (position & (slots.reach - 1));
    const cpu = loads[at] ?? Number.NaN;
    if (Number.isNaN(cpu)) return undefined;
    load.slot = slots.at(position);
    load.cpu = cpu;
    load.memory = loads[at + 1] ?? 0;
    load.lean = loads[at + 2] ?? 0;
    return load;
  }

  /** Slots have other meanings from now on; there are `slots` of them. */
  reset(slots: number): void {
    this.slots.reset(slots);
    if (this.loads.length < WIDTH * this.slots.reach) this.loads = new Float64Array(WIDTH * this.slots.reach);
    this.versions = new Uint32Array(slots);
  }
}
