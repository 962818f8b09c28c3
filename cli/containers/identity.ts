import { createHash } from "node:crypto";
import { metaOf } from "../../kinds/object.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";

/** One container as Docker's verbs speak of it. */
export interface NamedContainer {
  readonly pod: Pod;
  readonly container: string;
}

/** The id of a container: 64 hexadecimal digits, as Docker's; the first twelve are shown. */
export function idOf({ pod, container }: NamedContainer): string {
  return createHash("sha256")
    .update(`${metaOf(pod).uid}/${container}`)
    .digest("hex");
}

/** As many digits of an id as are shown. */
export const SHORT_ID = 12;

/** The name of a container: its pod's; with several containers in the pod its own after a slash. */
export function nameOf({ pod, container }: NamedContainer): string {
  const { name } = metaOf(pod);
  return (pod.spec?.containers.length ?? 0) > 1 ? `${name}/${container}` : name;
}

/** The containers that do a pod's work; those that prepared it are told of by `describe`. */
export function containersOf(pod: Pod): readonly NamedContainer[] {
  return (pod.spec?.containers ?? []).map(({ name }) => ({ pod, container: name }));
}

/** True for what may be the beginning of an id. */
export function isIdPrefix(text: string): boolean {
  return /^[0-9a-f]{3,64}$/.test(text);
}
