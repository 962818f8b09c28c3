import { metaOf } from "../../kinds/object.js";
import type { KindName } from "../../kinds/registry.js";
import { GROUP, groupsOf } from "./groups.js";
import { SortedRows } from "./sorted-rows.js";
import type { Cached } from "./view.js";

// Sorts before every character of a name, so that rows are in order of namespace first.
const separator = "\u0000";

/** The objects of one kind by name and by group; every list is in order of namespace and name. */
export class KindIndex<K extends KindName> {
  private readonly objects = new Map<string, Cached<K>>();
  private readonly all = new SortedRows<Cached<K>>();
  private readonly groups = new Map<string, SortedRows<Cached<K>>>();

  get size(): number {
    return this.objects.size;
  }

  get(namespace: string, name: string): Cached<K> | undefined {
    return this.objects.get(`${namespace}${separator}${name}`);
  }

  /** Puts the object in place of the one of that name, or removes it; returns what was there. */
  replace(namespace: string, name: string, after: Cached<K> | undefined): Cached<K> | undefined {
    const key = `${namespace}${separator}${name}`;
    const before = this.objects.get(key);
    const left = new Set(before === undefined ? [] : groupsOf(before));
    if (after === undefined) {
      this.objects.delete(key);
      this.all.delete(key);
    } else {
      this.objects.set(key, after);
      this.all.set(key, after);
      for (const group of groupsOf(after)) {
        left.delete(group);
        this.enter(group, key, after);
      }
    }
    for (const group of left) this.leave(group, key);
    return before;
  }

  list(): readonly Cached<K>[] {
    return this.all.list();
  }

  inGroup(group: string): readonly Cached<K>[] {
    return this.groups.get(group)?.list() ?? [];
  }

  /** Objects of the namespace that carry all labels: the rarest label's group, filtered by the others. */
  withLabels(namespace: string, labels: Readonly<Record<string, string>>): readonly Cached<K>[] {
    const wanted = Object.entries(labels);
    let rarest = GROUP.namespace(namespace);
    for (const [label, value] of wanted) {
      const group = GROUP.label(namespace, label, value);
      if (this.sizeOf(group) < this.sizeOf(rarest)) rarest = group;
    }
    const rows = this.inGroup(rarest);
    if (wanted.length === 0) return rows;
    return rows.filter(({ object }) => wanted.every(([label, value]) => metaOf(object).labels[label] === value));
  }

  private sizeOf(group: string): number {
    return this.groups.get(group)?.size ?? 0;
  }

  private enter(group: string, key: string, row: Cached<K>): void {
    const rows = this.groups.get(group) ?? new SortedRows<Cached<K>>();
    this.groups.set(group, rows);
    rows.set(key, row);
  }

  private leave(group: string, key: string): void {
    const rows = this.groups.get(group);
    rows?.delete(key);
    if (rows?.size === 0) this.groups.delete(group);
  }
}
