import { applyJsonPatch } from "../../../kinds/patch/json-patch.js";
import { applyStrategicPatch } from "../../../kinds/patch/strategic-patch.js";
import type { MapNode, TreeNode } from "../../../kinds/yaml/tree.js";
import type { KustomizationPatch } from "../../../proto/gen/tallship/v1/kustomization.js";
import { editField, stringNode, textAt } from "../fields.js";
import { allIds, idOf, idText, isSameId, kindOf, type Resource, withTree } from "../resource.js";
import { compileSelector, type Selects } from "../select.js";
import type { Told } from "../told.js";

/** A patch of a kustomization with its text read. */
export interface LoadedPatch {
  readonly documents: readonly TreeNode[];
  readonly patch: Pick<KustomizationPatch, "target" | "options">;
  /** Place of the patch in the kustomization. */
  readonly at: number;
}

/** Applies a patch to the objects it is for. A strategic patch without a target names its object itself, by any name that it ever had. */
export function patchResources(resources: readonly Resource[], loaded: LoadedPatch, told: Told): readonly Resource[] {
  const { documents, patch, at } = loaded;
  const [first] = documents;
  if (first === undefined) return told.refuse(at, "the patch is empty") ?? resources;
  const selects = patch.target === undefined ? undefined : compileSelector(patch.target, at, told);
  if (patch.target !== undefined && selects === undefined) return resources;
  if (first.is === "list") {
    if (selects === undefined) return told.refuse(at, "a JSON patch needs a target") ?? resources;
    return patchSelected(resources, { selects, loaded, told }, (resource) => jsonPatched(resource, first, told));
  }
  if (selects === undefined)
    return documents.reduce((held, document) => patchNamed(held, document, loaded, told), resources);
  if (documents.length > 1) return told.refuse(at, "a patch with a target is one document") ?? resources;
  return patchSelected(resources, { selects, loaded, told }, (resource) =>
    strategicPatched(resource, first, loaded, told),
  );
}

function patchSelected(
  resources: readonly Resource[],
  { selects, loaded, told }: { readonly selects: Selects; readonly loaded: LoadedPatch; readonly told: Told },
  patch: (resource: Resource) => Resource | undefined,
): readonly Resource[] {
  if (!resources.some(selects)) told.warn(loaded.at, "the target of this patch selects no object");
  return resources.flatMap((resource) => (selects(resource) ? (patch(resource) ?? []) : [resource]));
}

function patchNamed(
  resources: readonly Resource[],
  document: TreeNode,
  loaded: LoadedPatch,
  told: Told,
): readonly Resource[] {
  if (document.is !== "map") return told.refuse(document.at, "a strategic patch is a map") ?? resources;
  const id = idOf({ tree: document });
  if (id.kind === "" || id.name === "")
    return told.refuse(document.at, "a patch without a target needs apiVersion, kind and metadata.name") ?? resources;
  const meant = resources.filter((resource) => allIds(resource).some((held) => isSameId(held, id)));
  const [only, second] = meant;
  if (only === undefined) return told.refuse(document.at, `no object is ${idText(id)} for this patch`) ?? resources;
  if (second !== undefined)
    return (
      told.refuse(document.at, `${meant.length} objects are or were ${idText(id)}; give the patch a target`) ??
      resources
    );
  return resources.flatMap((resource) =>
    resource === only ? (strategicPatched(resource, document, loaded, told) ?? []) : [resource],
  );
}

/** The patched object; undefined when the patch deletes it. It keeps its name and kind unless the options say otherwise. */
function strategicPatched(
  resource: Resource,
  patch: TreeNode,
  { patch: { options } }: LoadedPatch,
  told: Told,
): Resource | undefined {
  const id = idOf(resource);
  const patched = applyStrategicPatch(resource.tree, patch, { messageName: kindOf(id), elements: "first" });
  if (patched.is === "refused") {
    for (const { at, message, path } of patched.why) told.refuse(at, message, path);
    return resource;
  }
  if (patched.is === "deleted" || patched.tree.is !== "map") return undefined;
  return withTree(resource, named(patched.tree, resource.tree, options));
}

function named(patched: MapNode, before: MapNode, options: Readonly<Record<string, boolean>>): TreeNode {
  const kept = [
    ...(options["allowKindChange"] === true ? [] : [["apiVersion"], ["kind"]]),
    ...(options["allowNameChange"] === true ? [] : [["metadata", "name"]]),
    ["metadata", "namespace"],
  ];
  return kept.reduce<TreeNode>((tree, steps) => {
    const text = textAt(before, ...steps);
    if (textAt(patched, ...steps) === text) return tree;
    return editField(tree, steps, { at: before.at }, () =>
      text === undefined ? undefined : stringNode(text, before.at),
    );
  }, patched);
}

function jsonPatched(resource: Resource, patch: TreeNode, told: Told): Resource {
  const patched = applyJsonPatch(resource.tree, patch);
  if (patched.is === "patched") return withTree(resource, patched.tree);
  if (patched.is === "refused")
    for (const { at, message } of patched.why) told.refuse(at, `${idText(idOf(resource))}: ${message}`);
  return resource;
}
