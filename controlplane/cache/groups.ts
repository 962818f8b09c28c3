import { configKey, configUses } from "../../kinds/config-uses.js";
import { metaOf } from "../../kinds/object.js";
import type { KindMap, KindName } from "../../kinds/registry.js";
import type { PodSpec } from "../../proto/gen/tallship/v1/pod.js";
import type { Cached } from "./view.js";

/** Groups that only one kind has. A new index is one row here and one method of the view. */
const KIND_GROUPS: { readonly [K in KindName]?: (object: KindMap[K]) => readonly string[] } = {
  DaemonSet: ({ metadata, spec }) => configGroups(metadata?.namespace, spec?.template?.spec),
  Deployment: ({ metadata, spec }) => configGroups(metadata?.namespace, spec?.template?.spec),
  StatefulSet: ({ metadata, spec }) => configGroups(metadata?.namespace, spec?.template?.spec),
  Pod: ({ metadata, spec }) => [GROUP.node(spec?.nodeName ?? ""), ...configGroups(metadata?.namespace, spec)],
};

/** By the configs that pods use: who has to learn that one changed. */
function configGroups(namespace = "", spec: PodSpec | undefined): readonly string[] {
  return Array.from(new Set(configUses(spec).map(({ kind, name }) => GROUP.config(namespace, configKey(kind, name)))));
}

/** Names of the groups by which objects of one kind are indexed. */
export const GROUP = {
  namespace: (namespace: string): string => `namespace/${namespace}`,
  owner: (uid: string): string => `owner/${uid}`,
  config: (namespace: string, key: string): string => `config/${namespace}/${key}`,
  node: (name: string): string => `node/${name}`,
  label: (namespace: string, key: string, value: string): string => `label/${namespace}/${key}=${value}`,
} as const;

/** Every group that an object belongs to, without doubles. */
export function groupsOf(cached: Cached): readonly string[] {
  const { namespace, labels, ownerReferences } = metaOf(cached.object);
  const groups = [GROUP.namespace(namespace)];
  const owner = ownerReferences.find((reference) => reference.controller);
  if (owner !== undefined) groups.push(GROUP.owner(owner.uid));
  for (const [key, value] of Object.entries(labels)) groups.push(GROUP.label(namespace, key, value));
  // The row of a kind takes that kind's objects.
  const ofKind = KIND_GROUPS[cached.kind] as ((object: Cached["object"]) => readonly string[]) | undefined;
  if (ofKind !== undefined) groups.push(...ofKind(cached.object));
  return groups;
}
