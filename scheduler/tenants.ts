/** What knows where it stands among others. */
export interface Numbered {
  /** Written by those that it stands among. */
  at: number;
}

/** The pods of one node, in no order that means anything. To add and to take away costs the same however many there are. */
export class Tenants<T extends Numbered> {
  private readonly placed: T[] = [];

  /** How many there are. */
  get size(): number {
    return this.placed.length;
  }

  /** All of them; copy before pods come or go. */
  values(): readonly T[] {
    return this.placed;
  }

  /** Adds one. */
  add(one: T): void {
    one.at = this.placed.length;
    this.placed.push(one);
  }

  /** Puts one in the place of another. */
  replace(old: T, one: T): void {
    one.at = old.at;
    this.placed[old.at] = one;
  }

  /** Takes one away. */
  remove({ at }: T): void {
    const last = this.placed.pop();
    if (last === undefined || at >= this.placed.length) return;
    last.at = at;
    this.placed[at] = last;
  }
}
