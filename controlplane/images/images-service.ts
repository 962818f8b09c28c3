import { TallshipError } from "../../lib/errors.js";
import { pump } from "../../lib/transport/pump.js";
import type { CallContext, Handlers } from "../../lib/transport/service.js";
import {
  ImageInput,
  ImageOutput,
  type ImagesDefinition,
  ImageTask,
  type LoadedImage,
  type LoadImages,
  type LoadStart,
} from "../../proto/gen/tallship/v1/images.js";
import { FindHoldersRequest, type FindHoldersResponse } from "../../proto/gen/tallship/v1/session.js";
import { OperatorFrame } from "../../proto/gen/tallship/v1/streams.js";
import type { CarriedStream } from "../sessions/carried-stream.js";
import { closeOnAbort } from "../sessions/close-on-abort.js";
import type { StreamBroker } from "../sessions/stream-broker.js";
import { imageNodes } from "./choose-nodes.js";
import { type NamingDeps, nameImage } from "./name-image.js";

/** What the Images service needs. */
export interface ImagesDeps extends NamingDeps {
  readonly broker: StreamBroker;
  /** Asks the leader which nodes are connected and hold content. */
  readonly findHolders: (request: FindHoldersRequest, signal: AbortSignal) => Promise<FindHoldersResponse>;
}

/** Images for operators, on any replica: content goes to and from a node, names are written here. */
export function imagesService(deps: ImagesDeps): Handlers<typeof ImagesDefinition> {
  return { load: (inputs, context) => load(deps, inputs, context) };
}

async function* load(
  deps: ImagesDeps,
  inputs: AsyncIterable<LoadImages>,
  context: CallContext,
): AsyncGenerator<ImageOutput> {
  const { signal } = context;
  const iterator = inputs[Symbol.asyncIterator]();
  const start = startOf(await iterator.next());
  const nodeName = await chosenNode(deps, signal);
  const task = ImageTask.fromPartial({ task: { $case: "load", value: start } });
  const stream = await deps.broker.open({ nodeName, podUID: "", what: { $case: "image", value: task } }, signal);
  const stop = closeOnAbort(stream, signal);
  sendArchive(iterator, stream, signal);
  try {
    for (let part = await stream.read(); part !== undefined; part = await stream.read()) {
      if (part.$case !== "image") continue;
      const output = part.value;
      yield output.part?.$case === "loaded" ? await published(deps, output.part.value, nodeName, context) : output;
    }
  } finally {
    stop();
  }
}

/** Gives an image that a node has taken in its names in the cluster. */
async function published(
  deps: ImagesDeps,
  { names, spec }: LoadedImage,
  nodeName: string,
  context: CallContext,
): Promise<ImageOutput> {
  if (spec === undefined) throw new TallshipError("internal", `node ${nodeName} does not say what it has taken in`);
  for (const name of names) await nameImage(deps, name, spec, context);
  return ImageOutput.fromPartial({ part: { $case: "loaded", value: { names, spec, nodes: [nodeName] } } });
}

async function chosenNode({ view, findHolders }: ImagesDeps, signal: AbortSignal): Promise<string> {
  const { nodes } = await findHolders(FindHoldersRequest.fromPartial({}), signal);
  const [chosen] = imageNodes(view, nodes);
  if (chosen !== undefined) return chosen.name;
  throw new TallshipError("unavailable", "no node is Ready and connected: nobody can take the images in");
}

function startOf(first: IteratorResult<LoadImages>): LoadStart {
  const start = first.done !== true && first.value.part?.$case === "start" ? first.value.part.value : undefined;
  if (start !== undefined) return start;
  throw new TallshipError("invalid_argument", "load: the first message must start it");
}

/** The archive flows beside the answers. The end of the operator's messages is the archive's. */
function sendArchive(inputs: AsyncIterator<LoadImages>, stream: CarriedStream, signal: AbortSignal): void {
  const send = (part: NonNullable<ImageInput["part"]>): boolean =>
    stream.write(OperatorFrame.fromPartial({ part: { $case: "image", value: ImageInput.fromPartial({ part }) } }));
  const sink = {
    write: ({ part }: LoadImages) => part?.$case !== "chunk" || send({ $case: "chunk", value: part.value }),
    onceDrained: (go: () => void) => stream.onceDrained(go),
  };
  // An operator that breaks off aborts the signal too: closeOnAbort ends the stream, and the node sees no end.
  pump({ [Symbol.asyncIterator]: () => inputs }, sink, signal).then(
    () => signal.aborted || send({ $case: "end", value: true }),
    () => undefined,
  );
}
