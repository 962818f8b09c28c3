import type { MapNode, TreeNode } from "../../../kinds/yaml/tree.js";
import type { Kustomization, KustomizationField } from "../../../proto/gen/tallship/v1/kustomization.js";
import type { Declaration } from "../declaration.js";
import { editField, numberNode, stringNode, stringsNode, textAt, withPairs } from "../fields.js";
import { type FieldPlace, SELECTOR_PLACES, stepsOf, templatePlaces } from "../places.js";
import { allIds, idOf, isNamespaced, type Resource, renamed, withTree } from "../resource.js";
import type { Told } from "../told.js";

/** Kinds whose names are not the user's to choose a prefix for. */
const UNPREFIXED: ReadonlySet<string> = new Set(["CustomResourceDefinition", "APIService", "Namespace"]);

/** Puts prefix and suffix to the names; references follow when the build ends. */
export function affixNames(resource: Resource, { says, at }: Declaration): Resource {
  const { namePrefix, nameSuffix } = says;
  const { kind, name } = idOf(resource);
  if (namePrefix + nameSuffix === "" || UNPREFIXED.has(kind)) return resource;
  return renamed(resource, `${namePrefix}${name}${nameSuffix}`, at(namePrefix === "" ? "nameSuffix" : "namePrefix"));
}

/** Puts an object into the namespace. A Namespace object gets its name; the subjects that mean the namespace's own account follow it. */
export function moveToNamespace(resource: Resource, { says, at }: Declaration): Resource {
  const { namespace } = says;
  if (namespace === "") return resource;
  const id = idOf(resource);
  const place = at("namespace");
  if (id.kind === "Namespace" && id.group === "") return renamed(resource, namespace, place);
  const moved = isNamespaced(id)
    ? withTree(
        resource,
        editField(resource.tree, ["metadata", "namespace"], { at: place }, () => stringNode(namespace, place)),
      )
    : resource;
  if (id.kind !== "RoleBinding" && id.kind !== "ClusterRoleBinding") return moved;
  const tree = editField(moved.tree, ["subjects"], "never", (subjects) => defaultAccounts(subjects, namespace, place));
  return withTree(moved, tree);
}

function defaultAccounts(subjects: TreeNode | undefined, namespace: string, at: number): TreeNode | undefined {
  if (subjects?.is !== "list") return subjects;
  const items = subjects.items.map((subject) => {
    const isDefault = textAt(subject, "kind") === "ServiceAccount" && textAt(subject, "name") === "default";
    return isDefault ? editField(subject, ["namespace"], { at }, () => stringNode(namespace, at)) : subject;
  });
  return { ...subjects, items };
}

/** Puts labels to objects, and where asked to their templates and selectors. */
export function addLabels(resource: Resource, { says, at }: Declaration): Resource {
  const common = addPairs(resource, says.commonLabels, at("commonLabels"), [
    ...OWN_LABELS,
    ...templatePlaces("labels"),
    ...SELECTOR_PLACES,
  ]);
  return says.labels.reduce((held, labels, index) => {
    const places: readonly FieldPlace[] = [
      ...OWN_LABELS,
      ...(labels.includeSelectors || labels.includeTemplates ? templatePlaces("labels") : []),
      ...(labels.includeSelectors ? SELECTOR_PLACES : []),
      ...placesFor(labels.fields, resource),
    ];
    return addPairs(held, labels.pairs, at("labels", index, "pairs"), places);
  }, common);
}

/** Puts annotations to objects and their templates. */
export function addAnnotations(resource: Resource, { says, at }: Declaration): Resource {
  const places = [{ kind: ANY, path: ["metadata", "annotations"], isMade: true }, ...templatePlaces("annotations")];
  return addPairs(resource, says.commonAnnotations, at("commonAnnotations"), places);
}

/** The places that a kustomization names itself, those for the object's group and version. */
export function placesFor(fields: readonly KustomizationField[], resource: Resource): readonly FieldPlace[] {
  const id = idOf(resource);
  return fields
    .filter((field) => field.group === "" || field.group === id.group)
    .filter((field) => field.version === "" || field.version === id.version)
    .map(({ kind, path, create }) => ({ kind: kind || ANY, path: stepsOf(path), isMade: create }));
}

/** Any kind. */
const ANY = "*";
const OWN_LABELS: readonly FieldPlace[] = [{ kind: ANY, path: ["metadata", "labels"], isMade: true }];

/** Puts pairs to the places of an object that are for its kind. */
export function addPairs(
  resource: Resource,
  pairs: Readonly<Record<string, string>>,
  at: number,
  places: readonly FieldPlace[],
): Resource {
  if (Object.keys(pairs).length === 0) return resource;
  const { kind } = idOf(resource);
  const node: MapNode = stringsNode(pairs, at);
  const tree = places
    .filter((place) => place.kind === ANY || place.kind === kind)
    .reduce<TreeNode>(
      (held, { path, isMade }) => editField(held, path, isMade ? { at } : "never", withPairs(node)),
      resource.tree,
    );
  return withTree(resource, tree);
}

const SCALED: ReadonlySet<string> = new Set(["Deployment", "ReplicaSet", "StatefulSet", "ReplicationController"]);

/** Sets numbers of replicas by name. */
export function setReplicas(
  resources: readonly Resource[],
  { says, at }: Declaration,
  told: Told,
): readonly Resource[] {
  return says.replicas.reduce((held, { name, count }, index) => {
    const isMeant = (resource: Resource): boolean =>
      allIds(resource).some((id) => id.name === name && SCALED.has(id.kind));
    const place = at("replicas", index, "count");
    if (!held.some(isMeant))
      told.refuse(at("replicas", index, "name"), `no Deployment, ReplicaSet or StatefulSet is named "${name}"`);
    const set = (resource: Resource): Resource =>
      withTree(
        resource,
        editField(resource.tree, ["spec", "replicas"], { at: place }, () => numberNode(count, place)),
      );
    return held.map((resource) => (isMeant(resource) ? set(resource) : resource));
  }, resources);
}

/** Notes on objects where they came from and what built them. */
export function noteMetadata(resource: Resource, says: Kustomization, at: number): Resource {
  const origin = { "config.kubernetes.io/origin": `path: ${resource.origin}\n` };
  const manager = { "app.kubernetes.io/managed-by": "tsctl" };
  const put = (held: TreeNode, field: string, pairs: Readonly<Record<string, string>>): TreeNode =>
    editField(held, ["metadata", field], { at }, withPairs(stringsNode(pairs, at)));
  const noted = says.buildMetadata.includes("originAnnotations")
    ? put(resource.tree, "annotations", origin)
    : resource.tree;
  return withTree(resource, says.buildMetadata.includes("managedByLabel") ? put(noted, "labels", manager) : noted);
}
