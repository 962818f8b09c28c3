import { formatReference, parseReference } from "../../kinds/image-reference.js";
import { everyContainer } from "../../kinds/pod-containers.js";
import { TallshipError } from "../../lib/errors.js";
import type { CallContext } from "../../lib/transport/service.js";
import type { CommitContainer, ImageOutput } from "../../proto/gen/tallship/v1/images.js";
import { CommitTask } from "../../proto/gen/tallship/v1/streams.js";
import type { View } from "../cache/view.js";
import { findTarget } from "../sessions/stream-target.js";
import { imageNameOf } from "./build-bases.js";
import { outputsOf } from "./node-task.js";
import { type PublishDeps, published } from "./publish-image.js";
import { hostOfName, loginsFor } from "./registry-logins.js";

/** Has the node of a container make an image of it, which is the cluster's then. */
export async function* commitContainer(
  deps: PublishDeps,
  request: CommitContainer,
  context: CallContext,
): AsyncGenerator<ImageOutput> {
  const names = request.names.map(imageNameOf);
  if (names.length === 0) throw new TallshipError("invalid_argument", "commit: the image needs a name");
  const target = findTarget(deps.view, request, (container) => {
    const { changes, author, message } = request;
    const base = baseOf(deps.view, request, container);
    return { $case: "commit", value: CommitTask.fromPartial({ container, names, changes, author, message, ...base }) };
  });
  const stream = await deps.broker.open(target, context.signal);
  yield* published(deps, { outputs: outputsOf(stream, context.signal), nodeName: target.nodeName }, context);
}

/** Where what its node lacks of the container's image is to be had. */
function baseOf(
  view: View,
  { namespace, pod }: CommitContainer,
  container: string,
): Pick<CommitTask, "isOwn" | "logins"> {
  const found = view.get("Pod", namespace, pod);
  const image = found && everyContainer(found).find(({ name }) => name === container)?.image;
  if (image === undefined) return { isOwn: false, logins: [] };
  const spec = view.get("Image", "", formatReference(parseReference(image)))?.spec;
  const isOwn = spec !== undefined && spec.registryDigest === "";
  return { isOwn, logins: isOwn ? [] : loginsFor(view, namespace, [hostOfName(image)]) };
}
