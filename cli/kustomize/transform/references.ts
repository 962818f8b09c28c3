import type { MapNode, TreeNode } from "../../../kinds/yaml/tree.js";
import { scalarText } from "../../../kinds/yaml/tree.js";
import { editField, stringNode, textAt } from "../fields.js";
import { REFERENCES } from "../places.js";
import { allIds, idOf, idText, isNamespaced, namespaceOf, type Resource } from "../resource.js";
import type { Told } from "../told.js";

/**
 * Lets every field that names an object of the build follow its new name. A name counts as that of the object that had it, under any name, nearest to
 * the one that refers to it: of the same namespace, and joined with it in the innermost kustomization.
 */
export function followNames(resources: readonly Resource[], told: Told): readonly Resource[] {
  const byName = new Map<string, Resource[]>();
  for (const resource of resources)
    for (const name of new Set(allIds(resource).map((id) => id.name)))
      byName.set(name, [...(byName.get(name) ?? []), resource]);
  return resources.map((resource) => {
    const { kind } = idOf(resource);
    const find = finder(resource, byName, told);
    const tree = REFERENCES.filter(({ from }) => from === kind).reduce<TreeNode>(
      (held, { path, to }) => editField(held, path, "never", (value) => followed(value, to, find)),
      rulesFollowed(resource.tree, find),
    );
    return tree.is === "map" ? { ...resource, tree } : resource;
  });
}

/** The object that a name of a kind means; undefined when it is none of the build. */
type Find = (
  name: string,
  wanted: { readonly kinds: readonly string[]; readonly namespace?: string },
) => Resource | undefined;

function followed(value: TreeNode | undefined, kinds: readonly string[], find: Find): TreeNode | undefined {
  if (value === undefined) return undefined;
  if (value.is === "list") return { ...value, items: value.items.map((item) => followed(item, kinds, find) ?? item) };
  if (value.is === "map") return followedObject(value, find);
  const target = find(value.text, { kinds });
  const name = target === undefined ? value.text : idOf(target).name;
  return name === value.text ? value : stringNode(name, value.at);
}

/** A reference that says of which kind it is, as a role binding's subjects do. */
function followedObject(value: MapNode, find: Find): TreeNode {
  const [kind, name, namespace] = ["kind", "name", "namespace"].map((key) => textAt(value, key));
  if (kind === undefined || name === undefined) return value;
  const target = find(name, { kinds: [kind], ...(namespace === undefined ? {} : { namespace }) });
  if (target === undefined) return value;
  const id = idOf(target);
  const renamed = editField(value, ["name"], "never", () => stringNode(id.name, value.at));
  // Accounts get the namespace that they have come to even where none was written.
  if (id.namespace === "" || (namespace === undefined && kind !== "ServiceAccount")) return renamed;
  return editField(renamed, ["namespace"], { at: value.at }, () => stringNode(id.namespace, value.at));
}

/** Names in the rules of roles: those of the kinds whose resources the rule is about. */
function rulesFollowed(tree: MapNode, find: Find): TreeNode {
  const kind = textAt(tree, "kind");
  if (kind !== "Role" && kind !== "ClusterRole") return tree;
  return editField(tree, ["rules"], "never", (rules) => {
    if (rules?.is !== "list") return rules;
    return { ...rules, items: rules.items.map((rule) => ruleFollowed(rule, find)) };
  });
}

const NAMED_IN_RULES: Readonly<Record<string, string>> = {
  configmaps: "ConfigMap",
  secrets: "Secret",
  services: "Service",
  serviceaccounts: "ServiceAccount",
  deployments: "Deployment",
  statefulsets: "StatefulSet",
  persistentvolumeclaims: "PersistentVolumeClaim",
  persistentvolumes: "PersistentVolume",
};

function ruleFollowed(rule: TreeNode, find: Find): TreeNode {
  const resources = rule.is === "map" ? rule.entries.find(({ key }) => key === "resources")?.value : undefined;
  const kinds =
    resources?.is === "list" ? resources.items.flatMap((item) => NAMED_IN_RULES[scalarText(item) ?? ""] ?? []) : [];
  return kinds.length === 0
    ? rule
    : editField(rule, ["resourceNames"], "never", (names) => followed(names, kinds, find));
}

function finder(referrer: Resource, byName: ReadonlyMap<string, readonly Resource[]>, told: Told): Find {
  const own = idOf(referrer);
  return (name, { kinds, namespace }) => {
    const candidates = (byName.get(name) ?? []).filter((resource) =>
      allIds(resource).some(
        (id) =>
          id.name === name &&
          kinds.includes(id.kind) &&
          (namespace === undefined || namespaceOf(id) === (namespace || "default")),
      ),
    );
    const here = candidates.filter((candidate) => {
      const id = idOf(candidate);
      return namespace !== undefined || !isNamespaced(id) || !isNamespaced(own) || namespaceOf(id) === namespaceOf(own);
    });
    const [first, ...others] = nearest(referrer, here);
    if (first === undefined) return undefined;
    const names = new Set([first, ...others].map((resource) => idOf(resource).name));
    if (names.size === 1) return first;
    return told.refuse(
      referrer.tree.at,
      `${idText(own)} names ${kinds.join(" or ")} ${name}, which ${[...names].sort().join(" and ")} were: give them names of their own`,
    );
  };
}

/** Those that come together with the referrer in the innermost kustomization. */
function nearest(referrer: Resource, candidates: readonly Resource[]): readonly Resource[] {
  const distance = ({ layers }: Resource): number => {
    const shared = referrer.layers.findIndex((layer) => layers.includes(layer));
    return shared === -1 ? referrer.layers.length : shared;
  };
  const least = Math.min(...candidates.map(distance));
  return candidates.filter((candidate) => distance(candidate) === least);
}
