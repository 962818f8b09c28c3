import { type PathStep, pathText } from "../problem.js";
import { type FieldSchema, isWordSet, messageSchema } from "../schema.js";
import {
  describeNode,
  entryOf,
  isNull,
  type ListNode,
  type MapEntry,
  type MapNode,
  scalarText,
  type TreeNode,
} from "../yaml/tree.js";
import { type Directives, readDirectives } from "./directives.js";
import { inElementOrder } from "./element-order.js";
import { hasKey, type MergeKey, matchOf, mergeKeyOf } from "./merge-key.js";
import type { Patched, PatchRefusal } from "./patched.js";

/** How a strategic patch is applied. */
export interface StrategicOptions {
  /** Name of the object's message in the schema, a kind's name; undefined for one that the schema does not have: its lists are replaced. */
  readonly messageName: string | undefined;
  /** Where elements of the patch go in a keyed list: kubectl appends new ones, kustomize puts all it names first. */
  readonly elements: "appended" | "first";
}

/**
 * Applies a strategic merge patch: as a merge patch, but lists whose elements the schema tells apart by a key are merged by it, and the
 * directives `$patch`, `$retainKeys`, `$deleteFromPrimitiveList` and `$setElementOrder` are obeyed. All that is wrong is told at once.
 */
export function applyStrategicPatch(target: TreeNode, patch: TreeNode, options: StrategicOptions): Patched {
  if (patch.is !== "map")
    return { is: "refused", why: [{ path: "", at: patch.at, message: `want a map, found ${describeNode(patch)}` }] };
  const merge = new StrategicMerge(options.elements);
  const { messageName } = options;
  const fields = messageName === undefined ? NO_FIELDS : fieldsOf(messageName);
  const tree = merge.map(fields, target, patch);
  if (merge.refusals.length > 0) return { is: "refused", why: merge.refusals };
  return tree === undefined ? { is: "deleted" } : { is: "patched", tree };
}

/** The schema of a map's key; undefined when there is none. */
type FieldLookup = (key: string) => FieldSchema | undefined;

const NO_FIELDS: FieldLookup = () => undefined;

function fieldsOf(messageName: string): FieldLookup {
  const { byName } = messageSchema(messageName);
  return (key) => byName.get(key);
}

/** What a map's keys mean: fields of a message, or keys of a map that all have one type. */
function fieldsIn(field: FieldSchema | undefined): FieldLookup {
  if (field === undefined) return NO_FIELDS;
  if (field.shape === "map") return () => ({ ...field, shape: "one" });
  return field.type === "message" ? fieldsOf(field.messageName) : NO_FIELDS;
}

/** Holds what is wrong and the path of the value being merged. */
class StrategicMerge {
  readonly refusals: PatchRefusal[] = [];
  private readonly path: PathStep[] = [];
  private readonly elements: StrategicOptions["elements"];

  constructor(elements: StrategicOptions["elements"]) {
    this.elements = elements;
  }

  /** The merged map; undefined when the patch deletes it. */
  map(fields: FieldLookup, target: TreeNode | undefined, patch: MapNode): MapNode | undefined {
    const directives = readDirectives(patch, (at, message) => this.refuse(at, message));
    if (directives.patch === "delete") return undefined;
    const held = target?.is === "map" && directives.patch !== "replace" ? target : undefined;
    const kept = (held?.entries ?? []).filter(({ key }) => directives.retain?.has(key) !== false);
    const merged = new Map<string, MapEntry>(kept.map((entry) => [entry.key, entry]));
    for (const entry of directives.entries) {
      const value = this.within(entry.key, () =>
        this.value(fields(entry.key), merged.get(entry.key)?.value, entry.value, directives),
      );
      if (value === undefined) merged.delete(entry.key);
      else merged.set(entry.key, { ...entry, value });
    }
    this.listDirectives(fields, merged, directives);
    return { is: "map", at: held?.at ?? patch.at, entries: [...merged.values()] };
  }

  private value(
    field: FieldSchema | undefined,
    target: TreeNode | undefined,
    patch: TreeNode,
    directives: Directives,
  ): TreeNode | undefined {
    if (isNull(patch)) return undefined;
    if (patch.is === "map") return this.map(fieldsIn(field), target, patch);
    if (patch.is === "scalar") return patch;
    const held = target?.is === "list" ? target : undefined;
    if (field !== undefined && isWordSet(field)) return this.words(held, patch);
    const key = field === undefined ? undefined : mergeKeyOf(field);
    if (field === undefined || key === undefined) return { ...patch, items: patch.items.filter(isNoDirective) };
    const merged = this.keyed({ field, key }, held, patch);
    const order = directives.order.get(field.name);
    return order === undefined ? merged : inElementOrder(merged, held, { wanted: order, key });
  }

  private keyed(
    { field, key }: { readonly field: FieldSchema; readonly key: MergeKey },
    target: ListNode | undefined,
    patch: ListNode,
  ): ListNode {
    const isReplaced = patch.items.some((item) => directiveOf(item) === "replace" && !hasKey(item, key));
    const standing: readonly TreeNode[] = isReplaced ? [] : (target?.items ?? []);
    const pairs: Pair[] = [];
    for (const [index, element] of patch.items.entries()) {
      if (directiveOf(element) === "replace" && !hasKey(element, key)) continue;
      this.within(index, () => this.element(element, { field, key, standing, pairs }));
    }
    return { is: "list", at: target?.at ?? patch.at, items: this.arranged(standing, pairs) };
  }

  private element(element: TreeNode, { field, key, standing, pairs }: KeyedList): void {
    if (element.is !== "map" || !hasKey(element, key)) {
      this.refuse(element.at, `an element of ${field.name} needs its key ${key.fields[0]?.name ?? ""}`);
      return;
    }
    const free = standing.filter((item) => pairs.every(({ match }) => match !== item));
    const match = matchOf(element, free, key);
    pairs.push({ match, merged: this.map(fieldsIn({ ...field, shape: "one" }), match, element) });
  }

  private arranged(standing: readonly TreeNode[], pairs: readonly Pair[]): readonly TreeNode[] {
    const mergedOf = (chosen: readonly Pair[]): readonly TreeNode[] => chosen.flatMap(({ merged }) => merged ?? []);
    const others = standing.filter((item) => pairs.every(({ match }) => match !== item));
    if (this.elements === "first") return [...mergedOf(pairs), ...others];
    const inPlace = standing.flatMap((item) => {
      const pair = pairs.find(({ match }) => match === item);
      return pair === undefined ? [item] : mergedOf([pair]);
    });
    return [...inPlace, ...mergedOf(pairs.filter(({ match }) => match === undefined))];
  }

  /** A list in which only the words that the patch names are added. */
  private words(target: ListNode | undefined, patch: ListNode): ListNode {
    const standing = target?.items ?? [];
    const texts = new Set(standing.map(scalarText));
    const added = patch.items.filter((item) => !texts.has(scalarText(item)));
    return { is: "list", at: target?.at ?? patch.at, items: [...standing, ...added] };
  }

  /** Directives about lists of which the patch may hold no elements. */
  private listDirectives(fields: FieldLookup, merged: Map<string, MapEntry>, directives: Directives): void {
    for (const [name, gone] of directives.removed) {
      const entry = merged.get(name);
      if (entry?.value.is !== "list") continue;
      const texts = new Set(gone.items.map(scalarText));
      const items = entry.value.items.filter((item) => !texts.has(scalarText(item)));
      merged.set(name, { ...entry, value: { ...entry.value, items } });
    }
    for (const [name, wanted] of directives.order) {
      const entry = merged.get(name);
      const field = fields(name);
      const key = field === undefined ? undefined : mergeKeyOf(field);
      if (entry?.value.is !== "list" || directives.entries.some((held) => held.key === name)) continue;
      merged.set(name, { ...entry, value: inElementOrder(entry.value, entry.value, { wanted, key }) });
    }
  }

  private within<T>(step: PathStep, merge: () => T): T {
    this.path.push(step);
    const result = merge();
    this.path.pop();
    return result;
  }

  private refuse(at: number, message: string): void {
    this.refusals.push({ path: pathText(this.path), at, message });
  }
}

/** An element of a patch's list: which element it stood for, if any, and what it became; undefined: it was deleted. */
interface Pair {
  readonly match: TreeNode | undefined;
  readonly merged: MapNode | undefined;
}

/** A keyed list while the elements of a patch are merged into it. */
interface KeyedList {
  readonly field: FieldSchema;
  readonly key: MergeKey;
  readonly standing: readonly TreeNode[];
  readonly pairs: Pair[];
}

function directiveOf(node: TreeNode): string | undefined {
  return node.is === "map" ? scalarText(entryOf(node, "$patch")?.value) : undefined;
}

function isNoDirective(node: TreeNode): boolean {
  return directiveOf(node) === undefined;
}
