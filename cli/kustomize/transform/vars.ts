import { plainKind, type ScalarNode, scalarText, type TreeNode } from "../../../kinds/yaml/tree.js";
import type { KustomizationVar } from "../../../proto/gen/tallship/v1/kustomization.js";
import { nodesOn, parseFieldPath } from "../field-path.js";
import { editField, stringNode } from "../fields.js";
import { POD_SPECS, stepsOf } from "../places.js";
import { allIds, idOf, type Resource } from "../resource.js";
import type { Told } from "../told.js";

/** A variable and the place that declares it. */
export interface PlacedVar {
  readonly variable: KustomizationVar;
  readonly at: number;
}

/** Puts the values of variables where $(NAME) stands: in commands, arguments, environments, mounts, hosts, labels and annotations. */
export function resolveVars(
  resources: readonly Resource[],
  vars: readonly PlacedVar[],
  told: Told,
): readonly Resource[] {
  if (vars.length === 0) return resources;
  const values = new Map<string, ScalarNode>();
  for (const { variable, at } of vars) {
    const value = variableValue(resources, variable, at, told);
    if (values.has(variable.name)) told.refuse(at, `variable ${variable.name} is declared twice`);
    if (value !== undefined) values.set(variable.name, value);
  }
  return resources.map((resource) => {
    const tree = pathsOf(idOf(resource).kind).reduce<TreeNode>(
      (held, path) => editField(held, path, "never", (value) => value && expanded(value, values)),
      resource.tree,
    );
    return tree.is === "map" ? { ...resource, tree } : resource;
  });
}

const CONTAINER_FIELDS = ["command", "args", "env/value", "volumeMounts/mountPath", "volumeMounts/subPath"];
const OTHER_FIELDS: Readonly<Record<string, readonly string[]>> = { Ingress: ["spec/rules/host", "spec/tls/hosts"] };

function pathsOf(kind: string): readonly (readonly string[])[] {
  const spec = POD_SPECS[kind];
  const inContainers =
    spec === undefined
      ? []
      : ["containers", "initContainers"].flatMap((list) =>
          CONTAINER_FIELDS.map((field) => [...spec, list, ...stepsOf(field)]),
        );
  const template =
    spec === undefined || kind === "Pod"
      ? []
      : [
          [...spec.slice(0, -1), "metadata", "labels"],
          [...spec.slice(0, -1), "metadata", "annotations"],
        ];
  const own = [
    ["metadata", "labels"],
    ["metadata", "annotations"],
  ];
  return [...inContainers, ...template, ...own, ...(OTHER_FIELDS[kind] ?? []).map(stepsOf)];
}

function variableValue(
  resources: readonly Resource[],
  variable: KustomizationVar,
  at: number,
  told: Told,
): ScalarNode | undefined {
  const { objref, fieldref, name } = variable;
  const found = resources.filter((resource) =>
    allIds(resource).some(
      (id) =>
        id.kind === objref?.kind &&
        id.name === objref.name &&
        (objref.namespace === "" || id.namespace === objref.namespace),
    ),
  );
  const [only, second] = found;
  const what = `${objref?.kind ?? ""} ${objref?.name ?? ""}`;
  if (only === undefined) return told.refuse(at, `variable ${name}: there is no ${what}`);
  if (second !== undefined) return told.refuse(at, `variable ${name}: there are ${found.length} of ${what}`);
  const path = fieldref?.fieldpath || "metadata.name";
  const [node] = nodesOn(only.tree, parseFieldPath(path));
  return node?.is === "scalar" ? node : told.refuse(at, `variable ${name}: ${what} has no value at ${path}`);
}

function expanded(node: TreeNode, values: ReadonlyMap<string, ScalarNode>): TreeNode {
  if (node.is === "list") return { ...node, items: node.items.map((item) => expanded(item, values)) };
  if (node.is === "map")
    return { ...node, entries: node.entries.map((entry) => ({ ...entry, value: expanded(entry.value, values) })) };
  const whole = /^\$\(([^()]+)\)$/.exec(node.text)?.[1];
  const value = whole === undefined ? undefined : values.get(whole);
  if (value !== undefined) return { ...value, isPlain: plainKind(value) !== "string" };
  const text = node.text.replace(/\$\$|\$\(([^()]+)\)/g, (found, name: string | undefined) => {
    return name === undefined ? found : (scalarText(values.get(name)) ?? found);
  });
  return text === node.text ? node : stringNode(text, node.at);
}
