import { assertNever, asTallshipError, TallshipError } from "../../lib/errors.js";
import { Pipe } from "../../lib/transport/pipe.js";
import {
  type BuildTask,
  type ImageInput,
  ImageOutput,
  type ImageTask,
  type LoadStart,
  type NamedImage,
  type PruneTask,
  type PullTask,
  type PushTask,
  type ReadTask,
  type RegistryLogin,
  type SaveTask,
} from "../../proto/gen/tallship/v1/images.js";
import type { ImageStreams } from "../session/operator-streams.js";
import type { Build, ImageBuilder } from "./build/image-builder.js";
import type { ImageLibrary, Images, NamedSpec } from "./images.js";
import type { Logins, RegistryErrands } from "./registry-errands.js";
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

/** Bytes between two tellings of how far something is. */
const TOLD_EVERY_BYTES = 4_194_304;

type Tell = (output: ImageOutput) => void;
type OnProgress = (step: string, bytesDone: number, bytesTotal: number) => void;

/** What some work says of its progress, then what comes of it. */
function telling(
  work: (onProgress: OnProgress, tell: Tell) => Promise<readonly ImageOutput[]>,
): AsyncIterable<ImageOutput> {
  const outputs = new Pipe<ImageOutput>(1);
  let told = { step: "", bytesDone: 0 };
  const onProgress: OnProgress = (step, bytesDone, bytesTotal) => {
    if (step === told.step && bytesDone - told.bytesDone < TOLD_EVERY_BYTES) return;
    told = { step, bytesDone };
    outputs.push(outputOf({ $case: "progress", value: { step, bytesDone, bytesTotal } }));
  };
  work(onProgress, (output) => void outputs.push(output)).then(
    (results) => {
      for (const result of results) outputs.push(result);
      outputs.end();
    },
    (error: unknown) => outputs.end(asTallshipError(error)),
  );
  return outputs;
}

function load(
  library: ImageLibrary,
  { names }: LoadStart,
  input: AsyncIterable<ImageInput>,
  signal: AbortSignal,
): AsyncIterable<ImageOutput> {
  return telling(async (onProgress) => {
    const images = await library.load(archiveOf(input), { names, signal, onProgress });
    return images.map((image) => outputOf({ $case: "loaded", value: { ...image, nodes: [] } }));
  });
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
      ? outputOf({ $case: "output", value: Buffer.from(event.bytes) })
      : outputOf({ $case: "loaded", value: { ...event.image, names: [...event.image.names], nodes: [] } });
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
    return [outputOf({ $case: "loaded", value: { names: [name], spec, nodes: [] } })];
  });
}

function push(
  errands: ImageWorkers["errands"],
  { image, to, logins }: PushTask,
  signal: AbortSignal,
): AsyncIterable<ImageOutput> {
  if (image === undefined) throw new TallshipError("invalid_argument", "push: nothing says what");
  return telling(async (onProgress, tell) => {
    const line = (text: string): void => tell(outputOf({ $case: "output", value: Buffer.from(`${text}\n`) }));
    await errands.push({ image: namedSpec(image), to, logins: loginsOf(logins), signal, onProgress, tell: line });
    return [];
  });
}

async function* resolve(digest: Promise<string>): AsyncGenerator<ImageOutput> {
  yield outputOf({ $case: "resolved", value: await digest });
}

async function* found(repositories: ReturnType<RegistryErrands["search"]>): AsyncGenerator<ImageOutput> {
  for await (const { repository, tags } of repositories)
    yield outputOf({ $case: "found", value: { repository, tags: [...tags] } });
}

function loginsOf(logins: readonly RegistryLogin[]): Logins {
  return Object.fromEntries(logins.map(({ host, username, password }) => [host, { username, password }]));
}

async function* saveImages(library: ImageLibrary, { images }: SaveTask): AsyncGenerator<ImageOutput> {
  for await (const bytes of library.save(images.map(namedSpec)))
    yield outputOf({ $case: "chunk", value: Buffer.from(bytes) });
}

async function* readContent(library: ImageLibrary, { digests }: ReadTask): AsyncGenerator<ImageOutput> {
  for (const digest of digests) yield outputOf({ $case: "chunk", value: Buffer.from(await library.read(digest)) });
}

async function* prune(
  { library, inUse }: Pick<ImageWorkers, "library" | "inUse">,
  { all, names }: PruneTask,
): AsyncGenerator<ImageOutput> {
  yield outputOf({ $case: "freedBytes", value: await library.dropUnused({ all, names }, inUse()) });
}

function namedSpec({ name, spec }: NamedImage): NamedSpec {
  if (spec === undefined) throw new TallshipError("invalid_argument", `image ${name} stands for nothing`);
  return { name, spec };
}

function outputOf(part: NonNullable<ImageOutput["part"]>): ImageOutput {
  return ImageOutput.fromPartial({ part });
}

/** The bytes of an archive. One whose end was not said broke off. */
async function* archiveOf(input: AsyncIterable<ImageInput>): AsyncGenerator<Uint8Array> {
  for await (const { part } of input) {
    if (part?.$case === "end") return;
    if (part?.$case === "chunk") yield part.value;
  }
  throw new TallshipError("cancelled", "the archive broke off");
}
