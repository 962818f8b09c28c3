import { metaOf } from "../../kinds/object.js";
import type { ReadObject } from "../../kinds/read.js";
import { dnsName, PROJECT_LABEL } from "./translate/names.js";

/** The set that a compose project is applied as, and the namespace the set belongs to. */
export interface ProjectSet {
  readonly set: string;
  readonly namespace: string;
}

/** Compose files all have the same name: their set is named after the project. Undefined unless all objects are of one project. */
export function projectSet(objects: readonly ReadObject[]): ProjectSet | undefined {
  const metas = objects.map(({ typed }) => metaOf(typed.object));
  const name = metas[0]?.labels[PROJECT_LABEL];
  if (name === undefined || metas.some(({ labels }) => labels[PROJECT_LABEL] !== name)) return undefined;
  const namespace = metas.find((meta) => meta.namespace !== "")?.namespace ?? "";
  return { set: `compose-${dnsName(name)}`, namespace };
}
