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

/**
 * Which slots changed, in order, for readers that catch up each at their own pace. A reader that is further behind than the log reaches
 * back, or that read another layout, reads everything anew.
 */
export class ChangedSlots {
  /** How often each slot changed, so that who remembers something of a slot knows whether it still holds. */
  versions = new Uint32Array(0);
  private ring: Int32Array;
  /** By place in the ring; NaN first where a change was anything else than a pod that came. */
  private loads: Float64Array;
  private readonly load: Mutable<Load> = { slot: 0, cpu: 0, memory: 0, lean: 0 };
  /** Changes so far, ever. */
  private count = 0;
  /** Readers that stopped before this have lost changes. */
  private first = 0;
  private isMuted = false;

  /** `reach` is a power of two. */
  constructor(reach = 1_024) {
    this.ring = new Int32Array(reach);
    this.loads = new Float64Array(WIDTH * reach);
  }

  /** Where a reader that has read everything stands. */
  get position(): number {
    return this.count;
  }

  /** Notes that a slot changed; where that was a pod that came and nothing else, what it added. */
  add(slot: number, cpu = Number.NaN, memory = Number.NaN, lean = Number.NaN): void {
    if (this.isMuted) return;
    const place = this.count & (this.ring.length - 1);
    this.ring[place] = slot;
    this.loads[WIDTH * place] = cpu;
    this.loads[WIDTH * place + 1] = memory;
    this.loads[WIDTH * place + 2] = lean;
    this.versions[slot] = (this.versions[slot] ?? 0) + 1;
    this.count += 1;
    if (this.count - this.first > this.ring.length) this.first = this.count - this.ring.length;
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
    return position < this.first ? undefined : this.count - position;
  }

  /** The slot of the change at a position that `behind` allows. */
  at(position: number): number {
    return this.ring[position & (this.ring.length - 1)] ?? 0;
  }

  /** What came with the change at a position that `behind` allows, if that is all that happened; good until it is asked for again. */
  loadAt(position: number): Load | undefined {
    const { load, loads } = this;
    const place = position & (this.ring.length - 1);
    const cpu = loads[WIDTH * place] ?? Number.NaN;
    if (Number.isNaN(cpu)) return undefined;
    load.slot = this.ring[place] ?? 0;
    load.cpu = cpu;
    load.memory = loads[WIDTH * place + 1] ?? 0;
    load.lean = loads[WIDTH * place + 2] ?? 0;
    return load;
  }

  /** Slots have other meanings from now on; there are `slots` of them. */
  reset(slots: number): void {
    if (this.ring.length < slots) {
      const reach = 2 ** Math.ceil(Math.log2(slots));
      this.ring = new Int32Array(reach);
      this.loads = new Float64Array(WIDTH * reach);
    }
    this.versions = new Uint32Array(slots);
    this.count += 1;
    this.first = this.count;
  }
}
