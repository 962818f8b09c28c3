import { metaOf } from "../../kinds/object.js";
import type { KindMap, KindName } from "../../kinds/registry.js";
import type { Cached } from "./view.js";

/** Groups that only one kind has. A new index is one row here and one method of the view. */
const KIND_GROUPS: { readonly [K in KindName]?: (object: KindMap[K]) => readonly string[] } = {
  Pod: (pod) => [GROUP.node(pod.spec?.nodeName ?? "")],
};

/** Names of the groups by which objects of one kind are indexed. */
export const GROUP = {
  namespace: (namespace: string): string => `namespace/${namespace}`,
  owner: (uid: string): string => `owner/${uid}`,
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
