import { pinnedImage } from "../../kinds/image-pins.js";
import { formatReference, parseReference } from "../../kinds/image-reference.js";
import { LOGIN_SECRET } from "../../kinds/login-secret.js";
import { everyContainer } from "../../kinds/pod-containers.js";
import { imagesOf } from "../../kinds/pod-images.js";
import { credentialsOf, type PullSecret, type RegistryCredentials } from "../../kinds/registry-credentials.js";
import { hasCode, TallshipError } from "../../lib/errors.js";
import type { Container } from "../../proto/gen/tallship/v1/container.js";
import type { ImageSpec } from "../../proto/gen/tallship/v1/image.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import type { Volume } from "../../proto/gen/tallship/v1/volume.js";
import type { ConfigSource } from "../config-source.js";
import type { ImageRequest, Images, LocalImage, PullProgress } from "../image/images.js";
import type { InUse } from "../image/unused-images.js";
import type { ClusterImages } from "../session/cluster-images.js";
import type { Hook } from "./hook.js";

/** Told of how far the image of a pod's container is. */
export type OnPull = (uid: string, container: string, progress: PullProgress) => void;

/** Makes the images of all containers, and of volumes that are images, present. What is there already costs no wait. */
export function imageHook(
  images: Images,
  configs: ConfigSource,
  { specOf, onPull }: { readonly specOf: ClusterImages["specOf"]; readonly onPull: OnPull },
): Hook {
  return {
    name: "image",
    up: async ({ uid, pod }, signal) => {
      const named = [...everyContainer(pod).map(ofContainer), ...(pod.spec?.volumes ?? []).flatMap(ofVolume)];
      // Read once, and only when something is to be pulled: what is here starts without the control plane.
      let reading: Promise<Credentials> | undefined;
      const credentials = (): Promise<Credentials> => {
        reading ??= pullSecrets(pod, configs, signal).then(credentialsOf);
        return reading;
      };
      const parts = { images, specOf, onPull };
      const place = { uid, pod, credentials, signal };
      const found = await Promise.all(named.map((one) => imageOf(one, parts, place)));
      return {
        images: new Map(named.map(({ name }, at) => [name, found[at]] as const).flatMap(present)),
        imageNames: new Map(named.map(({ name, image }) => [name, image])),
      };
    },
    down: async () => undefined,
  };
}

/** An image that a pod names, and what it is called among the pod's facts. */
interface NamedImage {
  readonly name: string;
  /** For people, such as container web. */
  readonly what: string;
  readonly image: string;
  readonly policy: string;
}

function ofContainer({ name, image, imagePullPolicy: policy }: Container): NamedImage {
  return { name, what: `container ${name}`, image, policy };
}

function ofVolume({ name, image }: Volume): readonly NamedImage[] {
  if (image === undefined) return [];
  return [{ name: volumeImage(name), what: `volume ${name}`, image: image.reference, policy: image.pullPolicy }];
}

/** What the image of a volume is called among the images of containers; none of those has such a name. */
export function volumeImage(volume: string): string {
  return `volume/${volume}`;
}

function present([name, image]: readonly [string, LocalImage | undefined]): readonly (readonly [string, LocalImage])[] {
  return image === undefined ? [] : [[name, image]];
}

type Credentials = Readonly<Record<string, RegistryCredentials>>;

interface HookParts {
  readonly images: Images;
  readonly specOf: ClusterImages["specOf"];
  readonly onPull: OnPull;
}

interface PodParts {
  readonly uid: string;
  readonly pod: Pod;
  readonly credentials: () => Promise<Credentials>;
  readonly signal: AbortSignal;
}

async function imageOf(
  named: NamedImage,
  { images, specOf, onPull }: HookParts,
  { uid, pod, credentials, signal }: PodParts,
): Promise<LocalImage> {
  const { name, what, image, policy } = named;
  const pinned = pinnedImage(pod, named);
  const request = requestFor({ image, pinned }, pullPolicy(image, policy), specOf(image));
  const here = images.lookup(request);
  if (here !== undefined) return here;
  if (request.policy === "Never")
    throw new TallshipError("failed_precondition", `image ${image} of ${what} is not here and its policy is Never`);
  const known = request.isOwn === true ? {} : await credentials();
  const onProgress = (progress: PullProgress): void => onPull(uid, name, progress);
  return images.ensure({ ...request, credentials: known }, { signal, onProgress }).catch((error: unknown) => {
    const isGone = hasCode(error, "image_not_found") && request.reference === pinned && pinned !== image;
    if (!isGone || !(error instanceof TallshipError)) throw error;
    const remedy = `the pods of this revision run these bytes; a rollout restart takes what ${image} stands for now`;
    throw new TallshipError("image_not_found", `${error.message}: ${remedy}`, { cause: error });
  });
}

/**
 * What to ask for. A name of the cluster is current as it stands: it is its digest that is asked for, and no registry needs to say whether it moved. One that was pulled stands for what it was
 * then, unless the policy wants to know what it is now; what the node lacks of it, its registry gives to whom it lets. What a pod's revision runs goes before both.
 */
function requestFor(
  { image: reference, pinned }: { readonly image: string; readonly pinned: string },
  policy: ImageRequest["policy"],
  own: ImageSpec | undefined,
): ImageRequest {
  const isOfRegistry = own === undefined || own.registryDigest !== "";
  if (isOfRegistry && pinned !== reference) return { reference: pinned, policy, credentials: {} };
  if (own === undefined || (isOfRegistry && policy === "Always")) return { reference, policy, credentials: {} };
  const digest = isOfRegistry ? own.registryDigest : own.digest;
  const exact = formatReference({ ...parseReference(reference), digest });
  const asked = policy === "Never" ? "Never" : "IfNotPresent";
  return { reference: exact, policy: asked, credentials: {}, isOwn: !isOfRegistry };
}

/** What pods of this node name, and what names of the cluster stand for. */
export function imagesInUse(
  pods: readonly { readonly desired: Pod | undefined }[],
  images: Pick<Images, "digestOf">,
  cluster: Pick<ClusterImages, "specOf" | "digests">,
): InUse {
  const references = pods.flatMap(({ desired }) => (desired === undefined ? [] : imagesOf(desired)));
  const pinned = pods.flatMap(({ desired }) =>
    desired === undefined ? [] : everyContainer(desired).map((container) => pinnedImage(desired, container)),
  );
  const digests = references.flatMap((image) => cluster.specOf(image)?.digest ?? images.digestOf(image) ?? []);
  const ofRevisions = pinned.flatMap((image) => images.digestOf(image) ?? []);
  return { byPods: new Set([...digests, ...ofRevisions]), byCluster: cluster.digests() };
}

/** Always for the tag latest, also when it is left out; else IfNotPresent. As in Kubernetes. */
export function pullPolicy(reference: string, asked: string): ImageRequest["policy"] {
  if (asked === "Always" || asked === "IfNotPresent" || asked === "Never") return asked;
  if (reference.includes("@")) return "IfNotPresent";
  const tag = /:([^/:]+)$/.exec(reference)?.[1] ?? "latest";
  return tag === "latest" ? "Always" : "IfNotPresent";
}

/**
 * The pod's pull secrets, in their order, and at last its namespace's login. One that does not exist, or cannot be read while no control plane is reached, is
 * passed over: the registry then says what is missing, and most ask for nothing.
 */
async function pullSecrets(pod: Pod, configs: ConfigSource, signal: AbortSignal): Promise<readonly PullSecret[]> {
  const names = [...(pod.spec?.imagePullSecrets ?? []).map(({ name }) => name), LOGIN_SECRET];
  const namespace = pod.metadata?.namespace ?? "";
  const read = (name: string) =>
    configs.get("Secret", { namespace, name }, signal).catch((error: unknown) => {
      if (hasCode(error, "unavailable")) return undefined;
      throw error;
    });
  const found = await Promise.all(names.map(read));
  return names.flatMap((name, at) => {
    const data = found[at]?.values;
    return data === undefined ? [] : [{ name, data }];
  });
}
