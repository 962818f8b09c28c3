import { GPU_MEMORY, GPU_MILLI } from "../kinds/gpu-share.js";
import type { Node } from "../proto/gen/tallship/v1/node.js";
import { allocatableOf } from "./node-record.js";
import type { Amounts } from "./pod-requests.js";
import type { Shape } from "./shape.js";
import type { Snapshot } from "./snapshot.js";

/** How bulky a pod is beside nodes, from 0 up. It falls when a node comes that is larger than all before. */
export interface Bulk {
  readonly value: number;
}

/** Of pods that keep their places whatever their size. */
export const NO_BULK: Bulk = { value: 0 };

/** Classes of sizes to a doubling. With finer ones large pods of one lean would all come before those that fit beside them. */
const CLASSES = 3;
/** How much lean counts: less than what is between two classes. */
const LEAN = 0.25;

/**
 * How bulky pods are: by the greatest of their shares of the most that any node has had of a resource, rounded down to a class; in a class those
 * first that ask much more of cpu than of memory, or the other way round, so that the two meet and fill nodes together. Who places the bulky of
 * those that come together first needs fewer nodes: small ones fill gaps.
 */
export class Bulks {
  private readonly snapshot: Pick<Snapshot, "amountsOf">;
  /** The most that any node has had, by resource. Nodes that leave are not forgotten: a wrong share only makes a worse order. */
  private readonly largest = new Map<string, number>();
  private readonly byShape = new WeakMap<Shape, Bulk>();
  private version = 0;

  constructor(snapshot: Pick<Snapshot, "amountsOf">) {
    this.snapshot = snapshot;
  }

  /** Takes a node's state; true when it made pods less bulky. */
  takeNode(node: Node): boolean {
    let grew = false;
    for (const resource of [...Object.keys(node.status?.allocatable ?? {}), GPU_MEMORY, GPU_MILLI]) {
      const amount = allocatableOf(node, resource);
      if (resource === "pods" || amount <= (this.largest.get(resource) ?? 0)) continue;
      this.largest.set(resource, amount);
      grew = true;
    }
    if (grew) this.version += 1;
    return grew;
  }

  /** One object for all pods of a shape. What no node has does not count. */
  of(shape: Shape): Bulk {
    const known = this.byShape.get(shape);
    if (known !== undefined) return known;
    const amounts = this.snapshot.amountsOf(shape);
    let value = 0;
    let version = -1;
    // Asked for with every comparison of two pods, measured when there is something new to measure by.
    const current = (): number => {
      if (version !== this.version) value = this.measure(amounts);
      version = this.version;
      return value;
    };
    const bulk: Bulk = {
      get value() {
        return current();
      },
    };
    this.byShape.set(shape, bulk);
    return bulk;
  }

  private measure(amounts: Amounts): number {
    const shareOf = (resource: string): number =>
      (amounts.get(resource) ?? 0) / (this.largest.get(resource) ?? Number.POSITIVE_INFINITY);
    let share = 0;
    for (const resource of amounts.keys()) share = Math.max(share, shareOf(resource));
    const size = share === 0 ? 0 : 2 ** (Math.floor(CLASSES * Math.log2(share)) / CLASSES);
    return size * (1 + LEAN * Math.min(1, Math.abs(shareOf("cpu") - shareOf("memory"))));
  }
}
