import { asTallshipError } from "../../lib/errors.js";
import { Pipe } from "../../lib/transport/pipe.js";
import { ImageOutput, type RegistryLogin } from "../../proto/gen/tallship/v1/images.js";
import type { Logins } from "./registry-errands.js";

/** Bytes between two tellings of how far something is. */
const TOLD_EVERY_BYTES = 4_194_304;

type Tell = (output: ImageOutput) => void;
type OnProgress = (step: string, bytesDone: number, bytesTotal: number) => void;

/** What some work says of its progress, then what comes of it. */
export function telling(
  work: (onProgress: OnProgress, tell: Tell) => Promise<readonly ImageOutput[]>,
): AsyncIterable<ImageOutput> {
  const outputs = new Pipe<ImageOutput>(1);
  let told = { step: "", bytesDone: 0 };
  const onProgress: OnProgress = (step, bytesDone, bytesTotal) => {
    if (step === told.step && bytesDone - told.bytesDone < TOLD_EVERY_BYTES) return;
    told = { step, bytesDone };
    outputs.push(imageOutput({ $case: "progress", value: { step, bytesDone, bytesTotal } }));
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

/** One answer of work on images. */
export function imageOutput(part: NonNullable<ImageOutput["part"]>): ImageOutput {
  return ImageOutput.fromPartial({ part });
}

/** Credentials by host, as a task holds them. */
export function loginsOf(logins: readonly RegistryLogin[]): Logins {
  return Object.fromEntries(logins.map(({ host, username, password }) => [host, { username, password }]));
}
