import { limit } from "../../lib/limits.js";
import { pump } from "../../lib/transport/pump.js";
import { ImageInput, type ImageOutput, ImageTask } from "../../proto/gen/tallship/v1/images.js";
import { FindHoldersRequest, type FindHoldersResponse } from "../../proto/gen/tallship/v1/session.js";
import { OperatorFrame } from "../../proto/gen/tallship/v1/streams.js";
import type { View } from "../cache/view.js";
import type { CarriedStream } from "../sessions/carried-stream.js";
import { closeOnAbort } from "../sessions/close-on-abort.js";
import type { StreamBroker } from "../sessions/stream-broker.js";
import { type ImageNode, imageNodes } from "./choose-nodes.js";

/** What having nodes work on images takes. */
export interface NodeTaskDeps {
  readonly view: View;
  readonly broker: StreamBroker;
  /** Asks the leader which nodes are connected and hold content. */
  readonly findHolders: (request: FindHoldersRequest, signal: AbortSignal) => Promise<FindHoldersResponse>;
}

/** The nodes that can be asked, those first that hold most of the content. */
export async function nodesFor(
  { view, findHolders }: NodeTaskDeps,
  digests: readonly string[],
  signal: AbortSignal,
): Promise<readonly ImageNode[]> {
  const { nodes } = await findHolders(FindHoldersRequest.fromPartial({ digests: [...digests] }), signal);
  return imageNodes(view, nodes);
}

/** A task for one node, and the archive that goes with it if one does. */
export interface NodeTask {
  readonly nodeName: string;
  readonly task: NonNullable<ImageTask["task"]>;
  readonly archive?: AsyncIterable<Uint8Array>;
}

/** Has a node work on its images; what comes of it, as it comes. Ends on both sides when the signal aborts. */
export async function* runOnNode(
  { broker }: Pick<NodeTaskDeps, "broker">,
  { nodeName, task, archive }: NodeTask,
  signal: AbortSignal,
): AsyncGenerator<ImageOutput> {
  const value = ImageTask.fromPartial({ task });
  const stream = await broker.open({ nodeName, podUID: "", what: { $case: "image", value } }, signal);
  if (archive !== undefined) sendArchive(archive, stream, signal);
  yield* outputsOf(stream, signal);
}

/** What comes of work on images, as it comes, from a stream that somebody has opened. */
export async function* outputsOf(stream: CarriedStream, signal: AbortSignal): AsyncGenerator<ImageOutput> {
  const stop = closeOnAbort(stream, signal);
  try {
    for (let part = await stream.read(); part !== undefined; part = await stream.read()) {
      if (part.$case === "image") yield part.value;
    }
  } finally {
    stop();
  }
}

/** The archive flows beside the answers. */
function sendArchive(archive: AsyncIterable<Uint8Array>, stream: CarriedStream, signal: AbortSignal): void {
  const send = (part: NonNullable<ImageInput["part"]>): boolean =>
    stream.write(OperatorFrame.fromPartial({ part: { $case: "image", value: ImageInput.fromPartial({ part }) } }));
  const sink = {
    write: (bytes: Uint8Array) => send({ $case: "chunk", value: Buffer.from(bytes) }),
    onceDrained: (go: () => void) => stream.onceDrained(go),
  };
  // An operator that breaks off aborts the signal too: closeOnAbort ends the stream, and the node sees no end.
  pump(archive, sink, signal).then(
    () => signal.aborted || send({ $case: "end", value: true }),
    () => undefined,
  );
}

/** What comes of a task that nobody watches, whole; deadline_exceeded is the broker's. */
export async function resultsOf(
  outputs: AsyncIterable<ImageOutput>,
): Promise<readonly NonNullable<ImageOutput["part"]>[]> {
  const parts: NonNullable<ImageOutput["part"]>[] = [];
  for await (const { part } of outputs)
    if (part !== undefined && parts.length < limit("imagesPerNode")) parts.push(part);
  return parts;
}
