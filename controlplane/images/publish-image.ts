import { asTallshipError, TallshipError } from "../../lib/errors.js";
import type { CallContext } from "../../lib/transport/service.js";
import type { ImageSpec } from "../../proto/gen/tallship/v1/image.js";
import { ImageOutput } from "../../proto/gen/tallship/v1/images.js";
import { contentOf } from "../fabric/may-fetch.js";
import { type NamingDeps, nameImage } from "./name-image.js";
import { type NodeTaskDeps, nodesFor, runOnNode } from "./node-task.js";

/** What publishing takes. */
export interface PublishDeps extends NamingDeps, NodeTaskDeps {}

/** An image that a node has taken in or built. */
export interface MadeImage {
  /** Whole references. */
  readonly names: readonly string[];
  readonly spec: ImageSpec;
  readonly nodeName: string;
}

/** What comes of a node's work, each image in it an image of the cluster before it is told. */
export async function* published(
  deps: PublishDeps,
  { outputs, nodeName }: { readonly outputs: AsyncIterable<ImageOutput>; readonly nodeName: string },
  context: CallContext,
): AsyncGenerator<ImageOutput> {
  for await (const output of outputs) {
    if (output.part?.$case !== "loaded") yield output;
    else yield* publishImage(deps, { ...output.part.value, spec: specOf(output.part.value.spec), nodeName }, context);
  }
}

function specOf<T>(spec: T | undefined): T {
  if (spec !== undefined) return spec;
  throw new TallshipError("internal", "the node does not say what it has taken in");
}

/** Further nodes that are asked to hold an image before one is enough. */
const TRIES = 3;

/**
 * Makes an image that one node holds an image of the cluster: a second node fetches it, so that the loss of one costs nothing, then its names stand for it. Tells how far that is, and at last
 * which nodes hold it; that only one does is no failure.
 */
export async function* publishImage(
  deps: PublishDeps,
  { names, spec, nodeName }: MadeImage,
  context: CallContext,
): AsyncGenerator<ImageOutput> {
  // First the names: who may fetch content is told by them.
  for (const name of names) await nameImage(deps, name, spec, context);
  const second = yield* secondHolder(deps, { names, spec, nodeName }, context);
  const nodes = second === undefined ? [nodeName] : [nodeName, second];
  yield ImageOutput.fromPartial({ part: { $case: "loaded", value: { names: [...names], spec, nodes } } });
}

async function* secondHolder(
  deps: PublishDeps,
  { names, spec, nodeName }: MadeImage,
  { signal }: CallContext,
): AsyncGenerator<ImageOutput, string | undefined> {
  const content = contentOf(spec);
  const others = (await nodesFor(deps, content, signal)).filter(({ name }) => name !== nodeName);
  for (const { name, heldCount } of others.slice(0, TRIES)) {
    if (heldCount === new Set(content).size) return name;
    try {
      yield* runOnNode(
        deps,
        { nodeName: name, task: { $case: "fetch", value: { name: names[0] ?? "", spec } } },
        signal,
      );
      return name;
    } catch (error) {
      const { code } = asTallshipError(error);
      if (code === "cancelled") throw error;
      // The next may do better; the image is whole on the first.
    }
  }
  return undefined;
}
