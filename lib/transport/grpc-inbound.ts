// Edge: the event loop.
import type { TallshipError } from "../errors.js";
import { Pipe } from "./pipe.js";

/** What is read from a grpc-js stream on either side. */
export interface GrpcReadable {
  on(event: "data", listener: (message: unknown) => void): unknown;
  on(event: "end", listener: () => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  pause(): unknown;
  resume(): unknown;
}

/** Messages that are read ahead of the consumer. */
const READ_AHEAD = 16;

/**
 * The messages of a stream, from now on: it flows whether or not somebody iterates yet, and pauses when the consumer lags. The error that grpc-js
 * reports beside the stream is seen after the messages that came before it.
 */
export function inbound(
  stream: GrpcReadable,
  options: { readonly asError: (error: Error) => TallshipError; readonly onLeft: () => void },
): Pipe<unknown> {
  let failure: TallshipError | undefined;
  const pipe = new Pipe<unknown>(READ_AHEAD, {
    onRoom: () => stream.resume(),
    onLeft: () => {
      options.onLeft();
      stream.resume();
    },
  });
  stream.on("error", (error) => {
    failure ??= options.asError(error);
  });
  // A caller that cancels is seen to end its stream first and to be gone in the same turn: an end counts only once that turn is over.
  stream.on("end", () => setImmediate(() => pipe.end(failure)));
  stream.on("data", (message) => {
    if (!pipe.push(message)) stream.pause();
  });
  return pipe;
}
