import { TallshipError } from "../../lib/errors.js";
import type { CallContext, Handlers } from "../../lib/transport/service.js";
import type { ImageOutput, ImagesDefinition, LoadImages, LoadStart } from "../../proto/gen/tallship/v1/images.js";
import { inspectImage, listImages, saveImages } from "./look-at-images.js";
import { type NodeTaskDeps, nodesFor, runOnNode } from "./node-task.js";
import { type PublishDeps, publishImage } from "./publish-image.js";
import { pruneImages, type RemoveDeps, removeImages } from "./remove-images.js";

/** What the Images service needs. */
export interface ImagesDeps extends NodeTaskDeps {
  readonly objects: PublishDeps["objects"] & RemoveDeps["objects"];
}

/** Images for operators, on any replica: content goes to and from nodes, names are written here. */
export function imagesService(deps: ImagesDeps): Handlers<typeof ImagesDefinition> {
  return {
    load: (inputs, context) => load(deps, inputs, context),
    save: (request, { signal }) => saveImages(deps, request, signal),
    list: (request, { signal }) => listImages(deps, request, signal),
    inspect: (request, { signal }) => inspectImage(deps, request, signal),
    remove: (request, context) => removeImages(deps, request, context),
    prune: (request, { signal }) => pruneImages(deps, request, signal),
  };
}

async function* load(
  deps: ImagesDeps,
  inputs: AsyncIterable<LoadImages>,
  context: CallContext,
): AsyncGenerator<ImageOutput> {
  const { signal } = context;
  const iterator = inputs[Symbol.asyncIterator]();
  const start = startOf(await iterator.next());
  const [node] = await nodesFor(deps, [], signal);
  if (node === undefined)
    throw new TallshipError("unavailable", "no node is Ready and connected: nobody can take the images in");
  const nodeName = node.name;
  const task = { $case: "load", value: start } as const;
  for await (const output of runOnNode(deps, { nodeName, task, archive: chunks(iterator) }, signal)) {
    if (output.part?.$case !== "loaded") yield output;
    else yield* publishImage(deps, { ...output.part.value, spec: specOf(output.part.value.spec), nodeName }, context);
  }
}

function specOf<T>(spec: T | undefined): T {
  if (spec !== undefined) return spec;
  throw new TallshipError("internal", "the node does not say what it has taken in");
}

function startOf(first: IteratorResult<LoadImages>): LoadStart {
  const start = first.done !== true && first.value.part?.$case === "start" ? first.value.part.value : undefined;
  if (start !== undefined) return start;
  throw new TallshipError("invalid_argument", "load: the first message must start it");
}

/** The bytes of the archive; the end of the operator's messages is the archive's. */
async function* chunks(inputs: AsyncIterator<LoadImages>): AsyncGenerator<Uint8Array> {
  for await (const { part } of { [Symbol.asyncIterator]: () => inputs }) if (part?.$case === "chunk") yield part.value;
}
