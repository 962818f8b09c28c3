import { TallshipError } from "../../lib/errors.js";
import type { CallContext, Handlers } from "../../lib/transport/service.js";
import {
  type BuildImage,
  BuildTask,
  type ImageOutput,
  type ImagesDefinition,
  type ImageTask,
  type LoadImages,
} from "../../proto/gen/tallship/v1/images.js";
import { buildBases, imageNameOf } from "./build-bases.js";
import { commitContainer } from "./commit-container.js";
import { inspectImage, listImages, saveImages } from "./look-at-images.js";
import { type NodeTaskDeps, nodesFor, runOnNode } from "./node-task.js";
import { type PublishDeps, published } from "./publish-image.js";
import { pullImage } from "./pull-image.js";
import { pushImage } from "./push-image.js";
import { hostOfName, loginsFor } from "./registry-logins.js";
import { pruneImages, type RemoveDeps, removeImages } from "./remove-images.js";
import { searchImages } from "./search-images.js";

/** What the Images service needs. */
export interface ImagesDeps extends NodeTaskDeps {
  readonly objects: PublishDeps["objects"] & RemoveDeps["objects"];
}

/** Images for operators, on any replica: content goes to and from nodes, names are written here. */
export function imagesService(deps: ImagesDeps): Handlers<typeof ImagesDefinition> {
  return {
    load: (inputs, context) => load(deps, inputs, context),
    build: (inputs, context) => build(deps, inputs, context),
    save: (request, { signal }) => saveImages(deps, request, signal),
    list: (request, { signal }) => listImages(deps, request, signal),
    inspect: (request, { signal }) => inspectImage(deps, request, signal),
    remove: (request, context) => removeImages(deps, request, context),
    prune: (request, { signal }) => pruneImages(deps, request, signal),
    pull: (request, context) => pullImage(deps, request, context),
    push: (request, { signal }) => pushImage(deps, request, signal),
    search: (request, { signal }) => searchImages(deps, request, signal),
    commit: (request, context) => commitContainer(deps, request, context),
  };
}

async function* load(
  deps: ImagesDeps,
  inputs: AsyncIterable<LoadImages>,
  context: CallContext,
): AsyncGenerator<ImageOutput> {
  const { start, archive } = await opened("load", inputs);
  yield* takenIn(deps, { task: { $case: "load", value: start }, archive, digests: [] }, context);
}

/** As load; base images that are the cluster's own are named by their digests, so that the node need ask nobody what they are. */
async function* build(
  deps: ImagesDeps,
  inputs: AsyncIterable<BuildImage>,
  context: CallContext,
): AsyncGenerator<ImageOutput> {
  const { start, archive } = await opened("build", inputs);
  const names = start.names.map(imageNameOf);
  if (names.length === 0) throw new TallshipError("invalid_argument", "build: the image needs a name");
  const bases = buildBases(deps.view, start);
  const hosts = bases.map(({ name }) => hostOfName(name));
  const logins = loginsFor(deps.view, start.namespace, hosts);
  const value = BuildTask.fromPartial({ start: { ...start, names }, bases, logins });
  const digests = bases.flatMap(({ digest }) => (digest === "" ? [] : [digest]));
  yield* takenIn(deps, { task: { $case: "build", value }, archive, digests }, context);
}

/** Work for a node that ends in images. */
interface Taking {
  readonly task: NonNullable<ImageTask["task"]>;
  readonly archive: AsyncIterable<Uint8Array>;
  /** Content that it takes. */
  readonly digests: readonly string[];
}

async function* takenIn(
  deps: ImagesDeps,
  { task, archive, digests }: Taking,
  context: CallContext,
): AsyncGenerator<ImageOutput> {
  const [node] = await nodesFor(deps, digests, context.signal);
  if (node === undefined)
    throw new TallshipError("unavailable", "no node is Ready and connected: nobody can take the images in");
  const nodeName = node.name;
  yield* published(deps, { outputs: runOnNode(deps, { nodeName, task, archive }, context.signal), nodeName }, context);
}

interface Part<Start> {
  readonly part?:
    | { readonly $case: "start"; readonly value: Start }
    | { readonly $case: "chunk"; readonly value: Uint8Array }
    | undefined;
}

/** What an operator opens a taking in with, and the archive that follows; the end of its messages is the archive's. */
async function opened<Start>(
  verb: string,
  inputs: AsyncIterable<Part<Start>>,
): Promise<{ readonly start: Start; readonly archive: AsyncIterable<Uint8Array> }> {
  const iterator = inputs[Symbol.asyncIterator]();
  const first = await iterator.next();
  const part = first.done === true ? undefined : first.value.part;
  if (part?.$case !== "start") throw new TallshipError("invalid_argument", `${verb}: the first message must start it`);
  return { start: part.value, archive: chunks(iterator) };
}

async function* chunks<Start>(inputs: AsyncIterator<Part<Start>>): AsyncGenerator<Uint8Array> {
  for await (const { part } of { [Symbol.asyncIterator]: () => inputs }) if (part?.$case === "chunk") yield part.value;
}
