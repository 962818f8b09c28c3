import { formatReference, parseReference } from "../../kinds/image-reference.js";
import { imagesOf } from "../../kinds/pod-images.js";
import { isPodFinished } from "../../kinds/pod-state.js";
import { asTallshipError, TallshipError } from "../../lib/errors.js";
import type { CallContext, Handlers } from "../../lib/transport/service.js";
import { DeleteRequest, type ObjectsDefinition } from "../../proto/gen/tallship/v1/api.js";
import {
  PrunedNode,
  type PruneImages,
  PruneImagesResponse,
  PruneTask,
  type RemoveImages,
  RemoveImagesResponse,
} from "../../proto/gen/tallship/v1/images.js";
import type { View } from "../cache/view.js";
import { type FoundImage, findImage, findNames } from "./look-at-images.js";
import { type NodeTaskDeps, nodesFor, resultsOf, runOnNode } from "./node-task.js";

/** What removing takes. */
export interface RemoveDeps extends NodeTaskDeps {
  readonly objects: Pick<Handlers<typeof ObjectsDefinition>, "delete">;
}

/** Takes names away; one that pods use only by force. The nodes then drop what nothing names: those that cannot be reached do so later, when room is short. */
export async function removeImages(
  deps: RemoveDeps,
  { names, force }: RemoveImages,
  context: CallContext,
): Promise<RemoveImagesResponse> {
  // An id may stand for a name that is given too.
  const images = [
    ...new Map(names.flatMap((word) => namesOf(deps.view, word, force)).map((one) => [one.name, one])).values(),
  ];
  for (const { name } of images) {
    const users = podsUsing(deps.view, name);
    const [first] = users;
    if (force || first === undefined) continue;
    const more = users.length > 1 ? ` and ${users.length - 1} more` : "";
    throw new TallshipError(
      "failed_precondition",
      `image ${name} is used by pod ${first}${more}; -f removes it all the same`,
    );
  }
  const deleted = new Set<string>();
  for (const { name, spec } of images) {
    const request = DeleteRequest.fromPartial({ name: { kind: "Image", namespace: "", name } });
    await deps.objects.delete(request, context);
    deleted.add(spec.digest);
  }
  const gone = new Set(images.map(({ name }) => name));
  for (const { object } of deps.view.list("Image"))
    if (!gone.has(object.metadata?.name ?? "")) deleted.delete(object.spec?.digest ?? "");
  await onEveryNode(deps, PruneTask.fromPartial({ names: [...gone] }), context.signal);
  return RemoveImagesResponse.fromPartial({ untagged: [...gone], deleted: [...deleted] });
}

/** An id stands for all names of its image, which go together only by force: as with docker. */
function namesOf(view: View, name: string, force: boolean): readonly FoundImage[] {
  const found = findNames(view, name);
  if (found.length === 0) return [findImage(view, name)];
  if (found.length === 1 || force) return found;
  const all = found.map((image) => image.name).join(", ");
  throw new TallshipError("failed_precondition", `image ${name} has several names, ${all}: -f removes them all`);
}

/** Has every node drop what nothing uses. */
export async function pruneImages(
  deps: NodeTaskDeps,
  { all }: PruneImages,
  signal: AbortSignal,
): Promise<PruneImagesResponse> {
  return PruneImagesResponse.fromPartial({ nodes: await onEveryNode(deps, PruneTask.fromPartial({ all }), signal) });
}

async function onEveryNode(deps: NodeTaskDeps, value: PruneTask, signal: AbortSignal): Promise<PrunedNode[]> {
  const nodes = await nodesFor(deps, [], signal);
  const pruned = nodes.map(async ({ name }) => {
    try {
      const parts = await resultsOf(runOnNode(deps, { nodeName: name, task: { $case: "prune", value } }, signal));
      const freedBytes = parts.reduce((sum, part) => sum + (part.$case === "freedBytes" ? part.value : 0), 0);
      return PrunedNode.fromPartial({ name, freedBytes });
    } catch (error) {
      return PrunedNode.fromPartial({ name, error: asTallshipError(error).message });
    }
  });
  return (await Promise.all(pruned)).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Pods that are not over and name the image, namespace/name. */
function podsUsing(view: View, image: string): readonly string[] {
  return view.list("Pod").flatMap(({ object }) => {
    const isUser = !isPodFinished(object) && imagesOf(object).some((one) => wholeName(one) === image);
    return isUser ? [`${object.metadata?.namespace}/${object.metadata?.name}`] : [];
  });
}

function wholeName(reference: string): string | undefined {
  try {
    return formatReference(parseReference(reference));
  } catch {
    return undefined; // No image is called so.
  }
}
