import { isAlias, isMap, isScalar, isSeq, type Node, type Pair, type YAMLMap } from "yaml";
import type { ErrorCode } from "../../lib/errors.js";
import { LIMITS } from "../../lib/limits.js";
import type { ComposeTag } from "./parsed.js";
import { isNull, type MapEntry, type MapNode, type TreeNode } from "./tree.js";

/** Expansions still allowed, shared by all documents of a source; below zero the bound has been hit and reported. */
export interface ExpansionBudget {
  left: number;
}

type Report = (code: ErrorCode, at: number, message: string) => void;

/** An anchored node and what one more use of it costs. */
interface Anchor {
  readonly node: TreeNode;
  readonly weight: number;
}

/**
 * The library's nodes as our tree: aliases shared, merge keys resolved, keys unique. What is wrong is reported; undefined
 * stands for an empty document and for what could not be built.
 */
export function buildTree(
  root: Node,
  budget: ExpansionBudget,
  { report, tags }: { readonly report: Report; readonly tags: Map<number, ComposeTag> },
): TreeNode | undefined {
  const tree = new TreeBuilder(budget, report, tags).build(root);
  return tree === undefined || isNull(tree) ? undefined : tree;
}

const CORE_TAG = "tag:yaml.org,2002:";
const PLAIN_TAGS: ReadonlySet<string> = new Set(["int", "float", "bool", "null"]);

/** Holds the anchors of one document and counts what aliases and merges expand to. */
class TreeBuilder {
  private readonly anchors = new Map<string, Anchor>();
  private readonly open = new Set<string>();
  private readonly budget: ExpansionBudget;
  private readonly report: Report;
  /** Weight of everything built so far, aliases counted as if copied. */
  private weight = 0;

  private readonly tags: Map<number, ComposeTag>;

  constructor(budget: ExpansionBudget, report: Report, tags: Map<number, ComposeTag>) {
    this.budget = budget;
    this.report = report;
    this.tags = tags;
  }

  build(node: Node): TreeNode | undefined {
    if (this.budget.left < 0) return undefined;
    if (isAlias(node)) return this.alias(node.source, offsetOf(node));
    const anchor = "anchor" in node ? node.anchor : undefined;
    const before = this.weight;
    if (anchor !== undefined) this.open.add(anchor);
    const built = this.value(node);
    if (anchor !== undefined) {
      this.open.delete(anchor);
      if (built !== undefined) this.anchors.set(anchor, { node: built, weight: this.weight - before });
    }
    return built;
  }

  private value(node: Node): TreeNode | undefined {
    const at = offsetOf(node);
    this.weight += 1;
    const composeTag = "tag" in node && isComposeTag(node.tag) ? node.tag : undefined;
    if (composeTag !== undefined) this.tags.set(at, composeTag);
    if (isMap(node)) return this.map(node, at);
    if (isSeq(node)) {
      const items: TreeNode[] = [];
      for (const item of node.items) {
        const built = this.build(asNode(item));
        if (built !== undefined) items.push(built);
      }
      return { is: "list", at, items };
    }
    if (!isScalar(node)) return undefined;
    const text = String(node.value ?? "");
    // Long texts weigh more: a thousand aliases of a megabyte are a gigabyte.
    this.weight += text.length >> 5;
    const tag = node.tag?.startsWith(CORE_TAG) === true ? node.tag.slice(CORE_TAG.length) : node.tag;
    if (tag !== undefined && tag !== "str" && tag !== "!" && composeTag === undefined && !PLAIN_TAGS.has(tag)) {
      this.report("invalid_argument", at, `tag ${node.tag} is not supported`);
      return undefined;
    }
    return { is: "scalar", at, text, isPlain: node.type === "PLAIN" && tag !== "str" && tag !== "!" };
  }

  private alias(name: string, at: number): TreeNode | undefined {
    const anchor = this.anchors.get(name);
    if (anchor === undefined) {
      const why = this.open.has(name) ? `alias *${name} contains itself` : `alias *${name} has no anchor before it`;
      this.report("invalid_argument", at, why);
      return undefined;
    }
    this.weight += anchor.weight;
    return this.spend(anchor.weight, at) ? anchor.node : undefined;
  }

  /** Takes an amount out of the budget; reports once and returns false when it is used up. */
  private spend(amount: number, at: number): boolean {
    if (this.budget.left < 0) return false;
    this.budget.left -= amount;
    if (this.budget.left >= 0) return true;
    const most = LIMITS.yamlAliasExpansion.value;
    this.report("too_large", at, `aliases and merges expand to more than ${most} values`);
    return false;
  }

  private map(node: YAMLMap, at: number): MapNode {
    const own = new Map<string, MapEntry>();
    const merges: TreeNode[] = [];
    for (const pair of node.items) this.entry(pair, own, merges, at);
    const merged = merges.length === 0 ? [] : this.merged(merges, own);
    return { is: "map", at, entries: [...merged, ...own.values()] };
  }

  private entry(pair: Pair, own: Map<string, MapEntry>, merges: TreeNode[], mapAt: number): void {
    const key = this.build(asNode(pair.key));
    const value = pair.value === null ? undefined : this.build(asNode(pair.value));
    // What could not be built is reported.
    if (key === undefined || (value === undefined && pair.value !== null)) return;
    if (key.is !== "scalar" || isNull(key)) {
      this.report("invalid_argument", key.at, "a key is a string");
      return;
    }
    const held = value ?? { is: "scalar", at: key.at + key.text.length, text: "", isPlain: true };
    if (key.isPlain && key.text === "<<") {
      merges.push(held);
      return;
    }
    // An aliased key has the place of its anchor; its map's place is nearer.
    const keyAt = isAlias(pair.key) ? mapAt : key.at;
    if (own.has(key.text)) this.report("invalid_argument", keyAt, `duplicate key ${JSON.stringify(key.text)}`);
    else own.set(key.text, { key: key.text, at: keyAt, value: held });
  }

  /** Entries that merge keys bring in: the map's own win, then the earlier merge. */
  private merged(merges: readonly TreeNode[], own: ReadonlyMap<string, MapEntry>): readonly MapEntry[] {
    const found = new Map<string, MapEntry>();
    const sources = merges.flatMap((merge) => (merge.is === "list" ? merge.items : [merge]));
    for (const from of sources) {
      if (from.is !== "map") {
        this.report("invalid_argument", from.at, "a merge key takes a map, or a list of maps");
        continue;
      }
      if (!this.spend(from.entries.length, from.at)) return [];
      for (const entry of from.entries) if (!own.has(entry.key) && !found.has(entry.key)) found.set(entry.key, entry);
    }
    return [...found.values()];
  }
}

function isComposeTag(tag: string | undefined): tag is ComposeTag {
  return tag === "!reset" || tag === "!override";
}

/** Children of a composed document are nodes; the library types them unknown. */
function asNode(value: unknown): Node {
  return value as Node;
}

function offsetOf(node: Node): number {
  return node.range?.[0] ?? 0;
}
