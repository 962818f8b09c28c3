import type { ObjectMeta, OwnerReference } from "../proto/gen/tallship/v1/meta.js";

interface WithMeta {
  readonly metadata?: ObjectMeta | undefined;
}

/** The owner that controls an object; undefined when none does. */
export function controllerOf({ metadata }: WithMeta): OwnerReference | undefined {
  return metadata?.ownerReferences.find(({ controller }) => controller === true);
}

/** True when `owner` is the very object that controls `object`. */
export function isControlledBy(object: WithMeta, owner: WithMeta): boolean {
  const uid = controllerOf(object)?.uid;
  return uid !== undefined && uid !== "" && uid === owner.metadata?.uid;
}
