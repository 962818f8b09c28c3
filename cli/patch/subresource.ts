import type { ObjectPatch } from "../../kinds/patch/patch-object.js";
import type { TreeNode } from "../../kinds/yaml/tree.js";
import { entryOf, scalarText } from "../../kinds/yaml/tree.js";
import { usageError } from "../verb.js";

const LISTS: readonly string[] = ["containers", "initContainers"];

/** Refuses a patch of --subresource=resize that changes anything but resources of containers. */
export function checkResizePatch({ form, tree }: ObjectPatch): void {
  const isFit = form === "json" ? isFitOperations(tree) : isFitMap(tree);
  if (!isFit)
    throw usageError(
      "--subresource=resize changes resources of containers: spec.containers[].resources, and nothing else",
    );
}

/** Refuses a patch of --subresource=scale that changes anything but the number of replicas. */
export function checkScalePatch({ form, tree }: ObjectPatch): void {
  const isFit =
    form === "json" ? isAllBelow(tree, /^\/spec\/replicas$/) : only(tree, ["spec"], (spec) => only(spec, ["replicas"]));
  if (!isFit) throw usageError("--subresource=scale changes spec.replicas, and nothing else");
}

/** Refuses a patch of --subresource=status that changes anything else: the server would pass over it. */
export function checkStatusPatch({ form, tree }: ObjectPatch): void {
  const isFit = form === "json" ? isAllBelow(tree, /^\/status(\/|$)/) : only(tree, ["status"]);
  if (!isFit) throw usageError("--subresource=status changes the status, and nothing else");
}

function isFitMap(tree: TreeNode): boolean {
  return only(tree, ["spec"], (spec) =>
    only(spec, LISTS, (list) => list.is === "list" && list.items.every((each) => only(each, ["name", "resources"]))),
  );
}

/** A map of these keys alone, whose values are fit. */
function only(node: TreeNode, keys: readonly string[], isFit: (value: TreeNode) => boolean = () => true): boolean {
  return node.is === "map" && node.entries.every(({ key, value }) => keys.includes(key) && isFit(value));
}

function isFitOperations(tree: TreeNode): boolean {
  return isAllBelow(tree, /^\/spec\/(containers|initContainers)\/\d+\/resources(\/|$)/);
}

/** A list of operations that only look elsewhere. */
function isAllBelow(tree: TreeNode, place: RegExp): boolean {
  const isFit = (operation: TreeNode): boolean => {
    if (operation.is !== "map") return false;
    const word = (key: string): string => scalarText(entryOf(operation, key)?.value) ?? "";
    return word("op") === "test" || place.test(word("path"));
  };
  return tree.is === "list" && tree.items.every(isFit);
}
