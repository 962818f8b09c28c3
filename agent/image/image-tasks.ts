import { assertNever, asTallshipError, TallshipError } from "../../lib/errors.js";
import { Pipe } from "../../lib/transport/pipe.js";
import {
  type ImageInput,
  ImageOutput,
  type ImageTask,
  type LoadStart,
  type NamedImage,
  type PruneTask,
  type ReadTask,
  type SaveTask,
} from "../../proto/gen/tallship/v1/images.js";
import type { ImageStreams } from "../session/operator-streams.js";
import type { ImageLibrary, NamedSpec } from "./images.js";
import type { InUse } from "./unused-images.js";

/** What operators ask of this node's images. */
export function imageStreams(library: ImageLibrary, inUse: () => InUse): ImageStreams {
  return { image: (task, input, signal) => run({ library, inUse }, task, input, signal) };
}

interface Parts {
  readonly library: ImageLibrary;
  readonly inUse: () => InUse;
}

function run(
  { library, inUse }: Parts,
  { task }: ImageTask,
  input: AsyncIterable<ImageInput>,
  signal: AbortSignal,
): AsyncIterable<ImageOutput> {
  if (task === undefined)
    throw new TallshipError("not_supported", "this agent does not know what is asked of its images");
  switch (task.$case) {
    case "load":
      return load(library, task.value, input, signal);
    case "fetch":
      return fetchImage(library, task.value, signal);
    case "save":
      return saveImages(library, task.value);
    case "read":
      return readContent(library, task.value);
    case "prune":
      return prune({ library, inUse }, task.value);
    default:
      return assertNever(task);
  }
}

/** Bytes between two tellings of how far something is. */
const TOLD_EVERY_BYTES = 4_194_304;

type OnProgress = (step: string, bytesDone: number, bytesTotal: number) => void;

/** What some work says of its progress, then what comes of it. */
function telling(work: (onProgress: OnProgress) => Promise<readonly ImageOutput[]>): AsyncIterable<ImageOutput> {
  const outputs = new Pipe<ImageOutput>(1);
  let told = { step: "", bytesDone: 0 };
  const onProgress: OnProgress = (step, bytesDone, bytesTotal) => {
    if (step === told.step && bytesDone - told.bytesDone < TOLD_EVERY_BYTES) return;
    told = { step, bytesDone };
    outputs.push(outputOf({ $case: "progress", value: { step, bytesDone, bytesTotal } }));
  };
  work(onProgress).then(
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

function fetchImage(library: ImageLibrary, image: NamedImage, signal: AbortSignal): AsyncIterable<ImageOutput> {
  return telling(async (onProgress) => {
    await library.fetch(namedSpec(image), { signal, onProgress });
    return [];
  });
}

async function* saveImages(library: ImageLibrary, { images }: SaveTask): AsyncGenerator<ImageOutput> {
  for await (const bytes of library.save(images.map(namedSpec)))
    yield outputOf({ $case: "chunk", value: Buffer.from(bytes) });
}

async function* readContent(library: ImageLibrary, { digests }: ReadTask): AsyncGenerator<ImageOutput> {
  for (const digest of digests) yield outputOf({ $case: "chunk", value: Buffer.from(await library.read(digest)) });
}

async function* prune({ library, inUse }: Parts, { all, names }: PruneTask): AsyncGenerator<ImageOutput> {
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
