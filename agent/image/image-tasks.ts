import { assertNever, asTallshipError, TallshipError } from "../../lib/errors.js";
import { Pipe } from "../../lib/transport/pipe.js";
import { type ImageInput, ImageOutput, type ImageTask, type LoadStart } from "../../proto/gen/tallship/v1/images.js";
import type { ImageStreams } from "../session/operator-streams.js";
import type { ImageLibrary } from "./images.js";

/** What operators ask of this node's images. */
export function imageStreams(library: ImageLibrary): ImageStreams {
  return { image: (task, input, signal) => run(library, task, input, signal) };
}

function run(
  library: ImageLibrary,
  { task }: ImageTask,
  input: AsyncIterable<ImageInput>,
  signal: AbortSignal,
): AsyncIterable<ImageOutput> {
  if (task === undefined)
    throw new TallshipError("not_supported", "this agent does not know what is asked of its images");
  switch (task.$case) {
    case "load":
      return load(library, task.value, input, signal);
    default:
      return assertNever(task.$case);
  }
}

/** Bytes between two tellings of how far something is. */
const TOLD_EVERY_BYTES = 4_194_304;

function load(
  library: ImageLibrary,
  { names }: LoadStart,
  input: AsyncIterable<ImageInput>,
  signal: AbortSignal,
): AsyncIterable<ImageOutput> {
  const outputs = new Pipe<ImageOutput>(1);
  let told = { step: "", bytesDone: 0 };
  const onProgress = (step: string, bytesDone: number, bytesTotal: number): void => {
    if (step === told.step && bytesDone - told.bytesDone < TOLD_EVERY_BYTES) return;
    told = { step, bytesDone };
    outputs.push(outputOf({ $case: "progress", value: { step, bytesDone, bytesTotal } }));
  };
  library.load(archiveOf(input), { names, signal, onProgress }).then(
    (images) => {
      for (const image of images) outputs.push(outputOf({ $case: "loaded", value: { ...image, nodes: [] } }));
      outputs.end();
    },
    (error: unknown) => outputs.end(asTallshipError(error)),
  );
  return outputs;
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
