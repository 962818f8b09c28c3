import { formatReference, parseReference } from "../../kinds/image-reference.js";
import { TallshipError } from "../../lib/errors.js";
import {
  type HeldImage,
  type ImageOutput,
  type InspectImage,
  InspectImageResponse,
  type ListImages,
  ListImagesResponse,
  type NamedImage,
  type SaveImages,
} from "../../proto/gen/tallship/v1/images.js";
import type { View } from "../cache/view.js";
import { contentOf } from "../fabric/may-fetch.js";
import { type NodeTaskDeps, nodesFor, resultsOf, runOnNode } from "./node-task.js";

/** A name of the cluster and what it stands for. */
export type FoundImage = NamedImage & { readonly spec: NonNullable<NamedImage["spec"]> };

/** An image of the cluster by any spelling of its name, or the beginning of its id. */
export function findImage(view: View, name: string): FoundImage {
  const [found] = findNames(view, name);
  if (found !== undefined) return found;
  const whole = formatReference(parseReference(name));
  throw new TallshipError(
    "not_found",
    `no such image: ${whole} is not the name of an image of the cluster; pull brings one of a registry in`,
  );
}

/** The names of the cluster that are meant: one, or all of the image whose id begins so. Throws invalid_argument when several images do. */
export function findNames(view: View, name: string): readonly FoundImage[] {
  const whole = formatReference(parseReference(name));
  const spec = view.get("Image", "", whole)?.spec;
  if (spec !== undefined) return [{ name: whole, spec }];
  const [, digits] = /^(?:sha256:)?([0-9a-f]{4,64})$/.exec(name) ?? [];
  if (digits === undefined) return [];
  const found = view.list("Image").flatMap(({ object: { metadata, spec: of } }) => {
    const isMeant = metadata !== undefined && of?.configDigest.startsWith(`sha256:${digits}`) === true;
    return isMeant ? [{ name: metadata.name, spec: of }] : [];
  });
  const ids = new Set(found.map((image) => image.spec.configDigest));
  if (ids.size > 1)
    throw new TallshipError("invalid_argument", `${name} is the beginning of ${ids.size} images' ids: give more of it`);
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The cluster's images and who holds them; all when none is named. */
export async function listImages(
  deps: NodeTaskDeps,
  { names }: ListImages,
  signal: AbortSignal,
): Promise<ListImagesResponse> {
  const all = deps.view.list("Image").flatMap(({ object: { metadata, spec } }) => {
    return metadata === undefined || spec === undefined ? [] : [{ name: metadata.name, spec }];
  });
  const images = names.length === 0 ? all : names.map((name) => findImage(deps.view, name));
  const held = await Promise.all(images.map(({ spec }) => holders(deps, contentOf(spec), signal)));
  return ListImagesResponse.fromPartial({ images: images.map((image, at) => ({ ...image, nodes: held[at] ?? [] })) });
}

async function holders(deps: NodeTaskDeps, content: readonly string[], signal: AbortSignal): Promise<string[]> {
  const wanted = [...new Set(content)];
  const nodes = await nodesFor(deps, wanted, signal);
  return nodes.filter(({ heldCount }) => heldCount === wanted.length).map(({ name }) => name);
}

/** What an image says of itself, from a node that holds it. */
export async function inspectImage(
  deps: NodeTaskDeps,
  { name }: InspectImage,
  signal: AbortSignal,
): Promise<InspectImageResponse> {
  const { images } = await listImages(deps, { names: [name] }, signal);
  const [image] = images;
  const { nodeName, spec } = holderOf(image, name);
  const task = { $case: "read", value: { digests: [spec.digest, spec.configDigest] } } as const;
  const parts = await resultsOf(runOnNode(deps, { nodeName, task }, signal));
  const [manifest, config] = parts.flatMap((part) => (part.$case === "chunk" ? [part.value] : []));
  return InspectImageResponse.fromPartial({ image, manifest, config });
}

/** Images as one archive, from a node that holds them all, or fetches what it lacks first. */
export async function* saveImages(
  deps: NodeTaskDeps,
  { names }: SaveImages,
  signal: AbortSignal,
): AsyncGenerator<ImageOutput> {
  if (names.length === 0) throw new TallshipError("invalid_argument", "save: want the name of an image");
  const images = names.map((name) => findImage(deps.view, name));
  const [node] = await nodesFor(
    deps,
    images.flatMap(({ spec }) => contentOf(spec)),
    signal,
  );
  if (node === undefined) throw new TallshipError("unavailable", "no node is Ready and connected");
  for (const image of images)
    yield* runOnNode(deps, { nodeName: node.name, task: { $case: "fetch", value: image } }, signal);
  yield* runOnNode(deps, { nodeName: node.name, task: { $case: "save", value: { images } } }, signal);
}

function holderOf(
  image: HeldImage | undefined,
  name: string,
): { readonly nodeName: string; readonly spec: NonNullable<HeldImage["spec"]> } {
  const [nodeName] = image?.nodes ?? [];
  if (nodeName !== undefined && image?.spec !== undefined) return { nodeName, spec: image.spec };
  throw new TallshipError("unavailable", `image ${name}: no node that is connected holds it`);
}
