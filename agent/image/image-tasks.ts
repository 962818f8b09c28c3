import { assertNever, TallshipError } from "../../lib/errors.js";
import type {
  BuildTask,
  ImageInput,
  ImageOutput,
  ImageTask,
  LoadStart,
  NamedImage,
  PruneTask,
  PullTask,
  PushTask,
  ReadTask,
  RootFsStart,
  SaveTask,
} from "../../proto/gen/tallship/v1/images.js";
import type { ImageStreams } from "../session/operator-streams.js";
import type { Build, ImageBuilder } from "./build/image-builder.js";
import { imageOutput, loginsOf, telling } from "./image-outputs.js";
import type { ImageLibrary, Images, MakeOrder, NamedSpec } from "./images.js";
import { inflated } from "./layer/decompress.js";
import type { RegistryErrands } from "./registry-errands.js";
import type { InUse } from "./unused-images.js";

/** Who does what is asked. */
export interface ImageWorkers {
  readonly library: ImageLibrary;
  readonly images: Pick<Images, "ensure">;
  readonly errands: Pick<RegistryErrands, "resolve" | "push" | "search">;
  readonly builder: Pick<ImageBuilder, "build">;
  readonly inUse: () => InUse;
  /** What steps of builds reach the network by; absent: as the node does. */
  readonly openLink?: Build["openLink"];
}

/** What operators ask of this node's images. */
export function imageStreams(workers: ImageWorkers): ImageStreams {
  return { image: (task, input, signal) => run(workers, task, input, signal) };
}

function run(
  workers: ImageWorkers,
  { task }: ImageTask,
  input: AsyncIterable<ImageInput>,
  signal: AbortSignal,
): AsyncIterable<ImageOutput> {
  if (task === undefined)
    throw new TallshipError("not_supported", "this agent does not know what is asked of its images");
  const { library, errands, inUse } = workers;
  switch (task.$case) {
    case "load":
      return load(library, task.value, input, signal);
    case "build":
      return build(workers, task.value, input, signal);
    case "fetch":
      return fetchImage(library, task.value, signal);
    case "save":
      return saveImages(library, task.value);
    case "read":
      return readContent(library, task.value);
    case "prune":
      return prune({ library, inUse }, task.value);
    case "pull":
      return pull(workers, task.value, signal);
    case "push":
      return push(errands, task.value, signal);
    case "resolve":
      return resolve(errands.resolve(task.value.name, loginsOf(task.value.logins), signal));
    case "catalog":
      return found(errands.search({ ...task.value, most: task.value.limit }, loginsOf(task.value.logins), signal));
    default:
      return assertNever(task);
  }
}

function load(
  library: ImageLibrary,
  { names, rootFs }: LoadStart,
  input: AsyncIterable<ImageInput>,
  signal: AbortSignal,
): AsyncIterable<ImageOutput> {
  return telling(async (onProgress) => {
    const options = { names, signal, onProgress };
    const images =
      rootFs === undefined
        ? await library.load(archiveOf(input), options)
        : [await library.make(ofRootFs(rootFs, inflated(archiveOf(input))), options)];
    return images.map((image) => imageOutput({ $case: "loaded", value: { ...image, nodes: [] } }));
  });
}

/** An image of a root file system that came from elsewhere. */
function ofRootFs({ changes, message }: RootFsStart, layer: AsyncIterable<Uint8Array>): MakeOrder {
  return { layer, base: undefined, run: () => ({}), changes, author: "", comment: message, createdBy: "" };
}

async function* build(
  { builder, openLink }: ImageWorkers,
  { start, bases, logins }: BuildTask,
  input: AsyncIterable<ImageInput>,
  signal: AbortSignal,
): AsyncGenerator<ImageOutput> {
  if (start === undefined) throw new TallshipError("invalid_argument", "build: nothing says of what");
  const asked = { start, bases, context: archiveOf(input), credentials: loginsOf(logins), openLink };
  for await (const event of builder.build(asked, signal))
    yield event.is === "output"
      ? imageOutput({ $case: "output", value: Buffer.from(event.bytes) })
      : imageOutput({ $case: "loaded", value: { ...event.image, names: [...event.image.names], nodes: [] } });
}

function fetchImage(library: ImageLibrary, image: NamedImage, signal: AbortSignal): AsyncIterable<ImageOutput> {
  return telling(async (onProgress) => {
    await library.fetch(namedSpec(image), { signal, onProgress });
    return [];
  });
}

function pull(
  { library, images }: ImageWorkers,
  { name, logins }: PullTask,
  signal: AbortSignal,
): AsyncIterable<ImageOutput> {
  return telling(async (onProgress) => {
    const request = { reference: name, policy: "IfNotPresent", credentials: loginsOf(logins), isWhole: true } as const;
    const { digest } = await images.ensure(request, {
      signal,
      onProgress: ({ bytesDone, bytesTotal }) => onProgress("pulling", bytesDone, bytesTotal),
    });
    const spec = await library.specOf(digest);
    return [imageOutput({ $case: "loaded", value: { names: [name], spec, nodes: [] } })];
  });
}

function push(
  errands: ImageWorkers["errands"],
  { image, to, logins }: PushTask,
  signal: AbortSignal,
): AsyncIterable<ImageOutput> {
  if (image === undefined) throw new TallshipError("invalid_argument", "push: nothing says what");
  return telling(async (onProgress, tell) => {
    const line = (text: string): void => tell(imageOutput({ $case: "output", value: Buffer.from(`${text}\n`) }));
    await errands.push({ image: namedSpec(image), to, logins: loginsOf(logins), signal, onProgress, tell: line });
    return [];
  });
}

async function* resolve(digest: Promise<string>): AsyncGenerator<ImageOutput> {
  yield imageOutput({ $case: "resolved", value: await digest });
}

async function* found(repositories: ReturnType<RegistryErrands["search"]>): AsyncGenerator<ImageOutput> {
  for await (const { repository, tags } of repositories)
    yield imageOutput({ $case: "found", value: { repository, tags: [...tags] } });
}

async function* saveImages(library: ImageLibrary, { images }: SaveTask): AsyncGenerator<ImageOutput> {
  for await (const bytes of library.save(images.map(namedSpec)))
    yield imageOutput({ $case: "chunk", value: Buffer.from(bytes) });
}

async function* readContent(library: ImageLibrary, { digests }: ReadTask): AsyncGenerator<ImageOutput> {
  for (const digest of digests) yield imageOutput({ $case: "chunk", value: Buffer.from(await library.read(digest)) });
}

async function* prune(
  { library, inUse }: Pick<ImageWorkers, "library" | "inUse">,
  { all, names }: PruneTask,
): AsyncGenerator<ImageOutput> {
  yield imageOutput({ $case: "freedBytes", value: await library.dropUnused({ all, names }, inUse()) });
}

function namedSpec({ name, spec }: NamedImage): NamedSpec {
  if (spec === undefined) throw new TallshipError("invalid_argument", `image ${name} stands for nothing`);
  return { name, spec };
}

/** The bytes of an archive. One whose end was not said broke off. */
async function* archiveOf(input: AsyncIterable<ImageInput>): AsyncGenerator<Uint8Array> {
  for await (const { part } of input) {
    if (part?.$case === "end") return;
    if (part?.$case === "chunk") yield part.value;
  }
  throw new TallshipError("cancelled", "the archive broke off");
}
