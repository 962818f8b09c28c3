import type { NodeRecord } from "./node-record.js";
import type { Tenant } from "./tenant.js";

/** A pod where it is counted. */
export interface Placed extends Tenant {
  readonly record: NodeRecord;
  /** Where it stands among the pods of the node. */
  at: number;
}

/** The pods of one node, in no order that means anything. To add and to take away costs the same however many there are. */
export class Tenants {
  private readonly placed: Placed[] = [];

  /** How many there are. */
  get size(): number {
    return this.placed.length;
  }

  /** All of them; copy before pods come or go. */
  values(): readonly Tenant[] {
    return this.placed;
  }

  /** Adds one. */
  add(one: Placed): void {
    one.at = this.placed.length;
    this.placed.push(one);
  }

  /** Puts one in the place of another. */
  replace(old: Placed, one: Placed): void {
    one.at = old.at;
    this.placed[old.at] = one;
  }

  /** Takes one away. */
  remove({ at }: Placed): void {
    const last = this.placed.pop();
    if (last === undefined || at >= this.placed.length) return;
    last.at = at;
    this.placed[at] = last;
  }
}
