import type { ComposeEntry, ComposeMap, ComposeNode, ComposeScalar } from "./node.js";

/** How a sequence of a later file joins the one before; without a rule it is appended. */
type Rule =
  /** The later one stands alone. */
  | "replace"
  /** `NAME=value` elements and maps are one form: merged by name. */
  | "pairs"
  /** Names and maps by name are one form: merged by name. */
  | "names"
  /** Merged by where the element is mounted in the container. */
  | "targets"
  /** Appended, what stands there already once. */
  | "unique";

/** By the path of the field; `*` is any name. */
const RULES: Readonly<Record<string, Rule>> = {
  "services.*.command": "replace",
  "services.*.entrypoint": "replace",
  "services.*.healthcheck.test": "replace",
  "services.*.environment": "pairs",
  "services.*.labels": "pairs",
  "services.*.annotations": "pairs",
  "services.*.extra_hosts": "pairs",
  "services.*.sysctls": "pairs",
  "services.*.build.args": "pairs",
  "services.*.build.labels": "pairs",
  "services.*.deploy.labels": "pairs",
  "services.*.depends_on": "names",
  "services.*.networks": "names",
  "services.*.volumes": "targets",
  "services.*.configs": "targets",
  "services.*.secrets": "targets",
  "services.*.devices": "targets",
  "services.*.ports": "unique",
  "services.*.expose": "unique",
  "services.*.cap_add": "unique",
  "services.*.cap_drop": "unique",
  "services.*.profiles": "unique",
  "services.*.dns": "unique",
  "services.*.dns_search": "unique",
  "services.*.tmpfs": "unique",
};

/**
 * The first tree with the second laid over it, by the Compose Specification's rules. `!reset` takes a value away, `!override` takes the later
 * one whole. The path is that of the two nodes, such as `services.web`.
 */
export function mergeNodes(base: ComposeNode, over: ComposeNode, path: readonly string[]): ComposeNode | undefined {
  if (over.tag === "!reset") return undefined;
  if (over.tag === "!override") return withoutTags(over);
  const rule = ruleOf(path);
  if (rule === "pairs" || rule === "names") {
    const [left, right] = [asMap(base, rule), asMap(over, rule)];
    if (left !== undefined && right !== undefined) return mergeMaps(left, right, path);
  }
  if (base.is === "map" && over.is === "map") return mergeMaps(base, over, path);
  if (base.is !== "list" || over.is !== "list" || rule === "replace") return withoutTags(over);
  const later = over.items.flatMap((item) => withoutTags(item) ?? []);
  if (rule === "targets") return { ...over, items: mergeByKey(base.items, later, targetOf) };
  if (rule === "unique") return { ...over, items: mergeByKey(base.items, later, wholeOf) };
  return { ...over, items: [...base.items, ...later] };
}

/** The tree without what is to be forgotten: `!reset` in a file that overrides nothing. */
export function withoutTags(node: ComposeNode): ComposeNode | undefined {
  if (node.tag === "!reset") return undefined;
  if (node.is === "scalar") return node;
  if (node.is === "list") return { ...node, items: node.items.flatMap((item) => withoutTags(item) ?? []) };
  const entries = node.entries.flatMap((entry): readonly ComposeEntry[] => {
    const value = withoutTags(entry.value);
    return value === undefined ? [] : [{ ...entry, value }];
  });
  return { ...node, entries };
}

function mergeMaps(base: ComposeMap, over: ComposeMap, path: readonly string[]): ComposeMap {
  const later = new Map(over.entries.map((entry) => [entry.key, entry]));
  const merged = base.entries.flatMap((entry): readonly ComposeEntry[] => {
    const other = later.get(entry.key);
    later.delete(entry.key);
    if (other === undefined) return [entry];
    const value = mergeNodes(entry.value, other.value, [...path, entry.key]);
    return value === undefined ? [] : [{ key: entry.key, place: other.place, value }];
  });
  const added = [...later.values()].flatMap((entry): readonly ComposeEntry[] => {
    const value = withoutTags(entry.value);
    return value === undefined ? [] : [{ ...entry, value }];
  });
  return { ...over, entries: [...merged, ...added] };
}

function ruleOf(path: readonly string[]): Rule | undefined {
  const pattern = path.map((step, at) => (at === 1 ? "*" : step)).join(".");
  return Object.hasOwn(RULES, pattern) ? RULES[pattern] : undefined;
}

/** `NAME=value` elements as a map; names as a map of nothing. Undefined when it has another form, which the model refuses later. */
function asMap(node: ComposeNode, rule: "pairs" | "names"): ComposeMap | undefined {
  if (node.is === "map") return node;
  if (node.is !== "list") return undefined;
  const entries: ComposeEntry[] = [];
  for (const item of node.items) {
    if (item.is !== "scalar") return undefined;
    entries.push(rule === "names" ? nameEntry(item) : pairEntry(item));
  }
  return { is: "map", place: node.place, entries: [...new Map(entries.map((entry) => [entry.key, entry])).values()] };
}

function nameEntry(item: ComposeScalar): ComposeEntry {
  return { key: item.text, place: item.place, value: nothing(item) };
}

/** The entry of a `NAME=value` (or, for hosts, `NAME:value`) element. */
export function pairEntry(item: ComposeScalar): ComposeEntry {
  const sign = /[=:]/.exec(item.text)?.[0] === ":" && !item.text.includes("=") ? ":" : "=";
  const at = item.text.indexOf(sign);
  if (at === -1) return { key: item.text, place: item.place, value: nothing(item) };
  const value: ComposeScalar = { ...item, text: item.text.slice(at + 1), isPlain: false };
  return { key: item.text.slice(0, at), place: item.place, value };
}

function nothing({ place }: ComposeNode): ComposeScalar {
  return { is: "scalar", place, text: "", isPlain: true };
}

function mergeByKey(
  base: readonly ComposeNode[],
  over: readonly ComposeNode[],
  keyOf: (node: ComposeNode) => string,
): readonly ComposeNode[] {
  return [...new Map([...base, ...over].map((node) => [keyOf(node), node])).values()];
}

/** Where a volume, config, secret or device is found in the container. */
function targetOf(node: ComposeNode): string {
  if (node.is === "scalar") {
    const parts = node.text.split(":");
    return parts.length > 1 ? (parts[1] ?? "") : node.text;
  }
  const entries = node.is === "map" ? node.entries : [];
  const value = entries.find(({ key }) => key === "target") ?? entries.find(({ key }) => key === "source");
  return value?.value.is === "scalar" ? value.value.text : wholeOf(node);
}

function wholeOf(node: ComposeNode): string {
  if (node.is === "scalar") return node.text;
  if (node.is === "list") return `[${node.items.map(wholeOf).join(",")}]`;
  return `{${[...node.entries]
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ key, value }) => `${key}:${wholeOf(value)}`)
    .join(",")}}`;
}
