import { entryOf, type ListNode, type MapNode, scalarText, type TreeNode } from "./yaml/tree.js";

/** How Kubernetes names the volume that it puts into every pod for its own API's token. */
const INJECTED = /^kube-api-access-[a-z0-9]{5}$/;

/** A pod as its user wrote it, and where what Kubernetes has added to it stood. */
export interface WithoutInjected {
  readonly root: MapNode;
  readonly droppedAt: readonly number[];
}

/**
 * A pod that was exported from Kubernetes without the volume that Kubernetes adds to every pod for the token of its API, and without its mounts: pods here have no such
 * token, and nobody wrote that they want one. The very node when there is none.
 */
export function withoutInjected(root: MapNode): WithoutInjected {
  const volumes = fieldOf(fieldOf(root, "spec"), "volumes");
  const dropped = volumes?.is === "list" ? volumes.items.filter(isInjected) : [];
  if (dropped.length === 0) return { root, droppedAt: [] };
  const names = new Set(dropped.map((volume) => textOf(volume, "name")));
  const isKept = (node: TreeNode): boolean => !names.has(textOf(node, "name"));
  const mounts = (container: TreeNode): TreeNode =>
    changed(container, "volumeMounts", (list) => filtered(list, isKept));
  const containers = (list: TreeNode): TreeNode =>
    list.is === "list" ? { ...list, items: list.items.map(mounts) } : list;
  const spec = (node: TreeNode): TreeNode => {
    const bare = changed(node, "volumes", (list) => filtered(list, isKept));
    return CONTAINERS.reduce((held, key) => changed(held, key, containers), bare);
  };
  const cleaned = changed(root, "spec", spec);
  return { root: cleaned.is === "map" ? cleaned : root, droppedAt: dropped.map(({ at }) => at) };
}

const CONTAINERS = ["containers", "initContainers", "ephemeralContainers"];

function isInjected(volume: TreeNode): boolean {
  return INJECTED.test(textOf(volume, "name") ?? "") && fieldOf(volume, "projected") !== undefined;
}

function filtered(list: TreeNode, isKept: (node: TreeNode) => boolean): TreeNode {
  if (list.is !== "list") return list;
  const kept: ListNode = { ...list, items: list.items.filter(isKept) };
  return kept;
}

/** The node with another value of a field, where it has it. */
function changed(node: TreeNode, key: string, change: (value: TreeNode) => TreeNode): TreeNode {
  if (node.is !== "map") return node;
  const entries = node.entries.map((entry) => (entry.key === key ? { ...entry, value: change(entry.value) } : entry));
  return { ...node, entries };
}

function fieldOf(node: TreeNode | undefined, key: string): TreeNode | undefined {
  return node?.is === "map" ? entryOf(node, key)?.value : undefined;
}

function textOf(node: TreeNode, key: string): string | undefined {
  return scalarText(fieldOf(node, key));
}
