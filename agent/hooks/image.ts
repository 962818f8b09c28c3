import { everyContainer } from "../../kinds/pod-containers.js";
import { TallshipError } from "../../lib/errors.js";
import type { Container } from "../../proto/gen/tallship/v1/container.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import type { ConfigSource } from "../config-source.js";
import { credentialsOf, type PullSecret } from "../image/credentials.js";
import type { ImageRequest, Images, LocalImage, RegistryCredentials } from "../image/images.js";
import type { Hook } from "./hook.js";

/** Makes the images of all containers present. What is there already costs no wait. */
export function imageHook(images: Images, configs: ConfigSource): Hook {
  return {
    name: "image",
    up: async ({ pod }, signal) => {
      const containers = everyContainer(pod);
      const credentials = credentialsOf(await pullSecrets(pod, configs, signal));
      const found = await Promise.all(containers.map((one) => imageOf(one, images, { credentials, signal })));
      return { images: new Map(containers.map(({ name }, at) => [name, found[at]] as const).flatMap(present)) };
    },
    down: async () => undefined,
  };
}

function present([name, image]: readonly [string, LocalImage | undefined]): readonly (readonly [string, LocalImage])[] {
  return image === undefined ? [] : [[name, image]];
}

type Credentials = Readonly<Record<string, RegistryCredentials>>;

async function imageOf(
  { name, image, imagePullPolicy }: Container,
  images: Images,
  { credentials, signal }: { readonly credentials: Credentials; readonly signal: AbortSignal },
): Promise<LocalImage> {
  const request: ImageRequest = { reference: image, policy: pullPolicy(image, imagePullPolicy), credentials };
  const here = images.lookup(request);
  if (here !== undefined) return here;
  if (request.policy === "Never")
    throw new TallshipError(
      "failed_precondition",
      `image ${image} of container ${name} is not here and its policy is Never`,
    );
  return images.ensure(request, { signal });
}

/** Always for the tag latest, also when it is left out; else IfNotPresent. As in Kubernetes. */
export function pullPolicy(reference: string, asked: string): ImageRequest["policy"] {
  if (asked === "Always" || asked === "IfNotPresent" || asked === "Never") return asked;
  if (reference.includes("@")) return "IfNotPresent";
  const tag = /:([^/:]+)$/.exec(reference)?.[1] ?? "latest";
  return tag === "latest" ? "Always" : "IfNotPresent";
}

/** The pod's pull secrets, in their order. One that does not exist is passed over: the registry then says what is missing. */
async function pullSecrets(pod: Pod, configs: ConfigSource, signal: AbortSignal): Promise<readonly PullSecret[]> {
  const names = (pod.spec?.imagePullSecrets ?? []).map(({ name }) => name);
  const namespace = pod.metadata?.namespace ?? "";
  const found = await Promise.all(names.map((name) => configs.get("Secret", { namespace, name }, signal)));
  return names.flatMap((name, at) => {
    const data = found[at]?.values;
    return data === undefined ? [] : [{ name, data }];
  });
}
