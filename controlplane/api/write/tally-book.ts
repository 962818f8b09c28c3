/** Amounts by name. */
export type Amounts = ReadonlyMap<string, number>;

interface Page {
  readonly revision: number;
  readonly entries: Map<string, Amounts>;
  readonly total: Map<string, number>;
}

/** A running total after an entry, and its place among all of them. */
export interface Entered {
  readonly total: Amounts;
  readonly sequence: number;
}

/**
 * What the tasks of one request add to a record that they share, such as a quota: each is decided on top of those before it, although none is
 * written yet. An entry replaces the task's earlier one; a record of another revision starts a new page, for it already counts what was written.
 */
export class TallyBook {
  private readonly pages = new Map<string, Page>();
  private sequence = 0;

  /** What other tasks have added to the record as it stands at this revision. */
  others(key: string, revision: number, task: string): Amounts {
    const page = this.pages.get(key);
    if (page === undefined || page.revision !== revision) return NOTHING;
    const own = page.entries.get(task);
    return own === undefined
      ? page.total
      : new Map(Array.from(page.total, ([name, sum]) => [name, sum - (own.get(name) ?? 0)]));
  }

  /** Enters what a task adds; the total is that of all tasks so far. */
  enter(key: string, revision: number, task: string, amounts: Amounts): Entered {
    const known = this.pages.get(key);
    const page = known?.revision === revision ? known : { revision, entries: new Map(), total: new Map() };
    this.pages.set(key, page);
    const before = page.entries.get(task) ?? NOTHING;
    for (const [name, amount] of before) page.total.set(name, (page.total.get(name) ?? 0) - amount);
    for (const [name, amount] of amounts) page.total.set(name, (page.total.get(name) ?? 0) + amount);
    page.entries.set(task, amounts);
    this.sequence += 1;
    return { total: new Map(page.total), sequence: this.sequence };
  }
}

const NOTHING: Amounts = new Map();
