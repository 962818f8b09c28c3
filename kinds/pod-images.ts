import type { Pod } from "../proto/gen/tallship/v1/pod.js";
import { everyContainer } from "./pod-containers.js";

/** Every image that a pod names: those that its containers run, and those whose files it mounts. */
export function imagesOf(pod: Pod): readonly string[] {
  const mounted = (pod.spec?.volumes ?? []).flatMap(({ image }) => (image === undefined ? [] : [image.reference]));
  return [...everyContainer(pod).map(({ image }) => image), ...mounted];
}
