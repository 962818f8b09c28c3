import { FORMATS } from "./formats.js";

/**
 * Annotation of a pod (template): names of its volumes, such as `data,cache`, that get what the image has in their place when they are empty, and belong
 * to whom the place belongs, before a container mounts them for the first time. As Docker's volumes do; those of Kubernetes start empty.
 */
export const FILL_VOLUMES = "tallship.dev/fill-volumes";

/** The volumes that the annotation names. */
export function filledVolumes(annotations: Readonly<Record<string, string>>): ReadonlySet<string> {
  return new Set(namesIn(annotations[FILL_VOLUMES] ?? ""));
}

/** A sentence on what is wrong with the annotation's value; undefined when nothing is. */
export function fillVolumesProblem(text: string): string | undefined {
  const wrong = namesIn(text).find((name) => FORMATS.dnsLabel(name) !== undefined);
  return wrong === undefined ? undefined : `want names of volumes with commas between, found ${JSON.stringify(wrong)}`;
}

function namesIn(text: string): readonly string[] {
  return text.split(",").flatMap((name) => (name.trim() === "" ? [] : [name.trim()]));
}
