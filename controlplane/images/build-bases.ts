import { baseImages } from "../../kinds/dockerfile.js";
import { formatReference, parseReference } from "../../kinds/image-reference.js";
import { TallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import { BuildBase, type BuildStart } from "../../proto/gen/tallship/v1/images.js";
import type { View } from "../cache/view.js";

/** The images that a build stands on; those of the cluster with what they stand for now. Throws invalid_argument, too_large. */
export function buildBases(view: Pick<View, "get">, { dockerfile, args, target, secrets }: BuildStart): BuildBase[] {
  if (dockerfile.length > limit("buildDockerfileBytes"))
    throw new TallshipError("too_large", `the Dockerfile has more than ${limit("buildDockerfileBytes")} bytes`);
  const names = baseImages(new TextDecoder().decode(dockerfile), { args, target });
  if (Math.max(names.length, secrets.length) > limit("buildSecrets"))
    throw new TallshipError("too_large", `build: more than ${limit("buildSecrets")} base images or secrets`);
  return names.map((name) => {
    const { digest = "", registryDigest = "" } = view.get("Image", "", name)?.spec ?? {};
    const isFromRegistry = registryDigest !== "";
    return BuildBase.fromPartial({ name, digest: isFromRegistry ? registryDigest : digest, isFromRegistry });
  });
}

/** The whole form of a name that an image is to get; a name ends in its tag. */
export function imageNameOf(text: string): string {
  const reference = parseReference(text);
  if (reference.digest === undefined) return formatReference(reference);
  throw new TallshipError(
    "invalid_argument",
    `image name ${JSON.stringify(text)} has a digest; a name ends in its tag`,
  );
}
