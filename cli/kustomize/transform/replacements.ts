import { plainKind, type ScalarNode, scalarText, type TreeNode } from "../../../kinds/yaml/tree.js";
import type {
  KustomizationFieldOptions,
  KustomizationReplacement,
  KustomizationReplacementSource,
  KustomizationReplacementTarget,
  KustomizationSelector,
} from "../../../proto/gen/tallship/v1/kustomization.js";
import { editOn, nodesOn, parseFieldPath } from "../field-path.js";
import { stringNode } from "../fields.js";
import { allIds, idOf, idText, type Resource, withTree } from "../resource.js";
import { compileSelector, type Selects } from "../select.js";
import type { Told } from "../told.js";

/** Copies a value to the fields of other objects. */
export function replaceFields(
  resources: readonly Resource[],
  { replacement, at }: { readonly replacement: KustomizationReplacement; readonly at: number },
  told: Told,
): readonly Resource[] {
  const { source, sourceValue, targets } = replacement;
  if ((source === undefined) === (sourceValue === undefined))
    return told.refuse(at, "a replacement wants one of source and sourceValue") ?? resources;
  const value = source === undefined ? stringNode(sourceValue ?? "", at) : sourceOf(resources, source, at, told);
  if (value === undefined) return resources;
  return targets.reduce((held, target) => replaceIn(held, { target, value, at }, told), resources);
}

const DEFAULT_PATH = "metadata.name";

function sourceOf(
  resources: readonly Resource[],
  source: KustomizationReplacementSource,
  at: number,
  told: Told,
): TreeNode | undefined {
  const { group, version, kind, name, namespace, options } = source;
  const wanted = Object.entries({ group, version, kind, name, namespace }).filter(([, text]) => text !== "");
  const found = resources.filter((resource) =>
    // The keys are those of an id.
    allIds(resource).some((id) => wanted.every(([part, text]) => id[part as keyof typeof id] === text)),
  );
  const [only, second] = found;
  const what = wanted.map(([part, text]) => `${part} ${text}`).join(", ");
  if (only === undefined) return told.refuse(at, `the source selects no object: ${what}`);
  if (second !== undefined) return told.refuse(at, `the source selects ${found.length} objects: ${what}`);
  const path = source.fieldPath || DEFAULT_PATH;
  const [node] = nodesOn(only.tree, parseFieldPath(path));
  if (node === undefined) return told.refuse(at, `the source ${idText(idOf(only))} has no field ${path}`);
  if (options === undefined || options.delimiter === "") return node;
  const text = scalarText(node);
  const part = text?.split(options.delimiter)[options.index];
  if (part === undefined)
    return told.refuse(at, `the source ${path} has no part ${options.index} between "${options.delimiter}"`);
  return stringNode(part, node.at);
}

interface Replacing {
  readonly target: KustomizationReplacementTarget;
  readonly value: TreeNode;
  readonly at: number;
}

function replaceIn(resources: readonly Resource[], replacing: Replacing, told: Told): readonly Resource[] {
  const { target, at } = replacing;
  const selects = target.select === undefined ? undefined : compileSelector(target.select, at, told);
  if (selects === undefined) return resources;
  const rejects = target.reject.flatMap((selector: KustomizationSelector): readonly Selects[] => {
    const compiled = compileSelector(selector, at, told);
    return compiled === undefined ? [] : [compiled];
  });
  const isMeant: Selects = (resource) => selects(resource) && !rejects.some((reject) => reject(resource));
  if (!resources.some(isMeant)) told.warn(at, "a target of this replacement selects no object");
  return resources.map((resource) => (isMeant(resource) ? replaceOne(resource, replacing, told) : resource));
}

function replaceOne(resource: Resource, { target, value, at }: Replacing, told: Told): Resource {
  const paths = target.fieldPaths.length === 0 ? [DEFAULT_PATH] : target.fieldPaths;
  return paths.reduce((held, path) => {
    const steps = parseFieldPath(path);
    const isMade = target.options?.create === true;
    if (!isMade && nodesOn(held.tree, steps).length === 0)
      return told.refuse(at, `${idText(idOf(held))} has no field ${path}; options.create makes it`) ?? held;
    const edit = (old: TreeNode | undefined): TreeNode => merged(old, value, target.options);
    return withTree(held, editOn(held.tree, steps, isMade ? at : undefined, edit));
  }, resource);
}

/** The value in the place of another: a scalar keeps the other's being a string or not, and with a delimiter only a part is taken. */
function merged(old: TreeNode | undefined, value: TreeNode, options: KustomizationFieldOptions | undefined): TreeNode {
  if (old?.is !== "scalar" || value.is !== "scalar") return value;
  if (options === undefined || options.delimiter === "") return sameForm(old, value.text, value.at);
  const parts = old.text.split(options.delimiter);
  if (options.index < 0) parts.unshift(value.text);
  else if (options.index >= parts.length) parts.push(value.text);
  else parts[options.index] = value.text;
  return sameForm(old, parts.join(options.delimiter), value.at);
}

function sameForm(old: ScalarNode, text: string, at: number): ScalarNode {
  return { is: "scalar", at, text, isPlain: plainKind(old) !== "string" };
}
