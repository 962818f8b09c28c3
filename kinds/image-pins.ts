import type { Pod, PodTemplateSpec } from "../proto/gen/tallship/v1/pod.js";
import { formatReference, isDigest, parseReference } from "./image-reference.js";
import { metaOf } from "./object.js";
import { everyContainer } from "./pod-containers.js";

/**
 * Annotation of a pod, written by its controller: digests of the images that the pods of its revision run, as `CONTAINER=sha256:…,…`. Its node asks for those bytes, whatever the tags stand for by
 * then. Names that are the cluster's own stand above it.
 */
export const IMAGE_DIGESTS = "tallship.dev/image-digests";

/** Annotation of a pod template: with `false` later pods of a revision run what the tags of their images stand for when they come. */
export const PIN_IMAGES = "tallship.dev/pin-images";

/** What the revision's images are: by container, the image as the template names it and the digest that its first pod got, IMAGE@DIGEST. */
export type ImagePins = Readonly<Record<string, string>>;

/** The pins as of these pods, in any order: what stands stays as long as the template names that image, and the oldest pod that says what it runs decides on the rest. */
export function imagePins(
  template: PodTemplateSpec | undefined,
  pods: readonly Pod[],
  before: ImagePins,
): Record<string, string> {
  if (template === undefined || template.metadata?.annotations[PIN_IMAGES] === "false") return {};
  const wanted = everyContainer({ spec: template.spec }).filter(({ image }) => !image.includes("@"));
  const pins = wanted.flatMap(({ name, image }) => {
    const isOf = (pin: string | undefined): boolean => digestIn(pin, image) !== undefined;
    const found = isOf(before[name]) ? before[name] : oldestWord(pods, name, isOf);
    return found === undefined ? [] : [[name, found] as const];
  });
  return Object.fromEntries(pins);
}

/** What the oldest of the pods says of the container, of those that say what counts. */
function oldestWord(pods: readonly Pod[], container: string, isOf: (pin: string | undefined) => boolean) {
  const saying = pods.filter((pod) => isOf(imageIdOf(pod, container)));
  const [first, ...others] = saying;
  if (first === undefined) return undefined;
  const oldest = others.reduce((known, pod) => (isOlder(pod, known) ? pod : known), first);
  return imageIdOf(oldest, container);
}

function isOlder(pod: Pod, other: Pod): boolean {
  const [own, others] = [metaOf(pod), metaOf(other)];
  if (own.creationTimestamp !== others.creationTimestamp) return own.creationTimestamp < others.creationTimestamp;
  return own.name < others.name;
}

/** The annotation that pins a pod; none when nothing is pinned. */
export function pinAnnotation(pins: ImagePins): Readonly<Record<string, string>> {
  const words = Object.entries(pins).flatMap(([name, pin]) => {
    const digest = pin.split("@")[1];
    return digest === undefined ? [] : [`${name}=${digest}`];
  });
  return words.length === 0 ? {} : { [IMAGE_DIGESTS]: words.sort().join(",") };
}

/** A pod that runs other bytes than its revision's, and the image whose tag was moved. */
export interface MovedImage {
  readonly pod: string;
  readonly image: string;
}

/** Pods that run other bytes than their revision's. */
export function movedImages(pods: readonly Pod[], pins: ImagePins): readonly MovedImage[] {
  return pods.flatMap((pod) =>
    Object.entries(pins).flatMap(([name, pin]) => {
      const image = pin.split("@")[0] ?? "";
      const own = imageIdOf(pod, name);
      return own === pin || digestIn(own, image) === undefined ? [] : [{ pod: pod.metadata?.name ?? "", image }];
    }),
  );
}

/** What a container's image is asked for by: with the digest of its revision where that is pinned. */
export function pinnedImage(
  pod: Pick<Pod, "metadata">,
  { name, image }: { readonly name: string; readonly image: string },
): string {
  const words = pod.metadata?.annotations[IMAGE_DIGESTS]?.split(",") ?? [];
  const digest = words.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1);
  if (digest === undefined || !isDigest(digest) || image.includes("@")) return image;
  try {
    return formatReference({ ...parseReference(image), digest });
  } catch {
    return image; // Pulling it tells what is wrong.
  }
}

function imageIdOf({ status }: Pod, container: string): string | undefined {
  const statuses = [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])];
  return statuses.find(({ name }) => name === container)?.imageID;
}

function digestIn(pin: string | undefined, image: string): string | undefined {
  const digest = pin?.startsWith(`${image}@`) === true ? pin.slice(image.length + 1) : "";
  return isDigest(digest) ? digest : undefined;
}
