import { matchesSelector } from "../../kinds/label-selector.js";
import { jsonOfTree } from "../../kinds/patch/json-tree.js";
import { parseLabelSelector } from "../../kinds/selector-text.js";
import { asTallshipError } from "../../lib/errors.js";
import type { KustomizationSelector } from "../../proto/gen/tallship/v1/kustomization.js";
import { nodesAt } from "./fields.js";
import { allIds, type Id, type Resource } from "./resource.js";
import type { Told } from "./told.js";

/** Says of an object whether a selector means it, by any name that it ever had. */
export type Selects = (resource: Resource) => boolean;

/** Compiles a selector; undefined when it is malformed, which is told at the place. */
export function compileSelector(selector: KustomizationSelector, at: number, told: Told): Selects | undefined {
  try {
    const { group, version, kind, name, namespace } = selector;
    const parts = { group, version, kind, name, namespace };
    const patterns = Object.entries(parts)
      .filter(([, text]) => text !== "")
      .map(([part, text]) => ({ part: part as keyof Id, pattern: new RegExp(`^(?:${text})$`) })); // The keys are Id's.
    const labels = parseLabelSelector(selector.labelSelector);
    const annotations = parseLabelSelector(selector.annotationSelector);
    return (resource) =>
      allIds(resource).some((id) => patterns.every(({ part, pattern }) => pattern.test(id[part]))) &&
      matchesSelector(labels, pairsOf(resource, "labels")) &&
      matchesSelector(annotations, pairsOf(resource, "annotations"));
  } catch (error) {
    return told.refuse(at, asTallshipError(error).message);
  }
}

function pairsOf({ tree }: Resource, field: string): Readonly<Record<string, string>> {
  const [node] = nodesAt(tree, ["metadata", field]);
  if (node?.is !== "map") return {};
  return Object.fromEntries(node.entries.map(({ key, value }) => [key, String(jsonOfTree(value))]));
}
