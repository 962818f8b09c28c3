import { splitApiVersion } from "../../kinds/lookup.js";
import { isKindName, KINDS, type KindName } from "../../kinds/registry.js";
import type { MapNode, TreeNode } from "../../kinds/yaml/tree.js";
import { editField, stringNode, textAt } from "./fields.js";

/** What names an object at one time of a build. */
export interface Id {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly name: string;
  /** Empty when the file names none. */
  readonly namespace: string;
}

/** An object while it is built. Immutable: a change is a new one. */
export interface Resource {
  readonly tree: MapNode;
  /** What it was named before, oldest first: patches and references may use any of its names. */
  readonly formerIds: readonly Id[];
  /** The folders whose kustomizations it came through, innermost first. */
  readonly layers: readonly string[];
  /** Its name gets the hash of its contents. */
  readonly needsHash: boolean;
  /** File it came from. */
  readonly origin: string;
}

/** What names the object now. */
export function idOf({ tree }: Pick<Resource, "tree">): Id {
  const { group, version } = splitApiVersion(textAt(tree, "apiVersion") ?? "");
  return {
    group,
    version,
    kind: textAt(tree, "kind") ?? "",
    name: textAt(tree, "metadata", "name") ?? "",
    namespace: textAt(tree, "metadata", "namespace") ?? "",
  };
}

/** All that ever named it, the first name first. */
export function allIds(resource: Resource): readonly Id[] {
  return [...resource.formerIds, idOf(resource)];
}

/** The object with another tree; what named it before is remembered. */
export function withTree(resource: Resource, tree: TreeNode): Resource {
  if (tree.is !== "map" || tree === resource.tree) return resource;
  const before = idOf(resource);
  const changed = { ...resource, tree };
  return isSameId(before, idOf(changed)) ? changed : { ...changed, formerIds: [...resource.formerIds, before] };
}

/** The object under another name. */
export function renamed(resource: Resource, name: string, at: number): Resource {
  return withTree(
    resource,
    editField(resource.tree, ["metadata", "name"], { at }, () => stringNode(name, at)),
  );
}

/** True when both name one object; no namespace is "default". */
export function isSameId(left: Id, right: Id): boolean {
  return left.name === right.name && left.kind === right.kind && idKey(left) === idKey(right);
}

/** The name as one string: equal for two that name one object. */
export function idKey(id: Id): string {
  return [id.group, id.version, id.kind, namespaceOf(id), id.name].join("/");
}

/** The namespace of an object, "default" when it names none; empty for kinds without. */
export function namespaceOf(id: Id): string {
  return isNamespaced(id) ? id.namespace || "default" : "";
}

/** How errors name an object. */
export function idText({ kind, name, namespace }: Id): string {
  return `${kind} ${namespace === "" ? "" : `${namespace}/`}${name}`;
}

/** The kind as the schema knows it; undefined for others, whose lists have no merge keys. */
export function kindOf({ kind, group }: Id): KindName | undefined {
  return isKindName(kind) && KINDS[kind].group === group ? kind : undefined;
}

/** Kinds without namespaces beside those that the registry knows. */
const CLUSTER_WIDE: ReadonlySet<string> = new Set([
  "APIService",
  "CSIDriver",
  "CertificateSigningRequest",
  "ClusterRole",
  "ClusterRoleBinding",
  "CustomResourceDefinition",
  "IngressClass",
  "MutatingWebhookConfiguration",
  "Namespace",
  "Node",
  "PersistentVolume",
  "PriorityClass",
  "RuntimeClass",
  "StorageClass",
  "ValidatingWebhookConfiguration",
  "VolumeAttachment",
]);

/** True when objects of the kind stand in namespaces, as those of any unknown kind do. */
export function isNamespaced(id: Pick<Id, "kind" | "group">): boolean {
  if (isKindName(id.kind) && KINDS[id.kind].group === id.group) return KINDS[id.kind].isNamespaced;
  return !CLUSTER_WIDE.has(id.kind);
}
