import { TallshipError } from "../../lib/errors.js";
import { pump } from "../../lib/transport/pump.js";
import type { CallContext, Handlers } from "../../lib/transport/service.js";
import {
  ExecInput,
  type ExecOutput,
  type ExecStart,
  type LogsChunk,
  type LogsRequest,
  OperatorFrame,
  type StreamsDefinition,
} from "../../proto/gen/tallship/v1/streams.js";
import type { View } from "../cache/view.js";
import type { CarriedStream } from "./carried-stream.js";
import type { StreamBroker } from "./stream-broker.js";
import { findTarget } from "./stream-target.js";

/** What the Streams service needs. */
export interface StreamsDeps {
  readonly view: View;
  readonly broker: StreamBroker;
}

/** Logs and exec for operators, on any replica. Whoever leaves first ends the stream on the other side. */
export function streamsService(deps: StreamsDeps): Handlers<typeof StreamsDefinition> {
  return {
    logs: (request, context) => logs(deps, request, context),
    exec: (inputs, context) => exec(deps, inputs, context),
  };
}

async function* logs(
  { view, broker }: StreamsDeps,
  request: LogsRequest,
  { signal }: CallContext,
): AsyncGenerator<LogsChunk> {
  const target = findTarget(view, request, (container) => ({ $case: "logs", value: { ...request, container } }));
  const stream = await broker.open(target, signal);
  const stop = closeOnAbort(stream, signal);
  try {
    for (let part = await stream.read(); part !== undefined; part = await stream.read()) {
      if (part.$case === "logs") yield part.value;
    }
  } finally {
    stop();
  }
}

async function* exec(
  { view, broker }: StreamsDeps,
  inputs: AsyncIterable<ExecInput>,
  { signal }: CallContext,
): AsyncGenerator<ExecOutput> {
  const iterator = inputs[Symbol.asyncIterator]();
  const start = startOf(await iterator.next());
  const target = findTarget(view, start, (container) => ({ $case: "exec", value: { ...start, container } }));
  const stream = await broker.open(target, signal);
  const stop = closeOnAbort(stream, signal);
  sendInputs(iterator, stream, signal);
  try {
    for (let part = await stream.read(); part !== undefined; part = await stream.read()) {
      if (part.$case !== "exec") continue;
      yield part.value;
      if (part.value.part?.$case === "exitCode") return;
    }
    throw new TallshipError(
      "unavailable",
      `node ${stream.nodeName} ended the stream without an exit code: the command's end is not known`,
    );
  } finally {
    stop();
  }
}

function startOf(first: IteratorResult<ExecInput>): ExecStart {
  const start = first.done !== true && first.value.part?.$case === "start" ? first.value.part.value : undefined;
  if (start === undefined)
    throw new TallshipError("invalid_argument", "exec: the first message must start the command");
  if (start.command.length === 0) throw new TallshipError("invalid_argument", "exec: want a command");
  return start;
}

/** Input flows beside the output. The end of the operator's messages is the end of standard input, said or not. */
function sendInputs(inputs: AsyncIterator<ExecInput>, stream: CarriedStream, signal: AbortSignal): void {
  let isClosed = false;
  const send = (input: ExecInput): boolean => {
    isClosed ||= input.part?.$case === "stdinClosed";
    return stream.write(OperatorFrame.fromPartial({ part: { $case: "exec", value: input } }));
  };
  const sink = { write: send, onceDrained: (go: () => void) => stream.onceDrained(go) };
  const closeStdin = (): void => {
    if (!isClosed) send(ExecInput.fromPartial({ part: { $case: "stdinClosed", value: true } }));
  };
  // An operator that breaks off aborts the signal too: closeOnAbort ends the stream.
  pump({ [Symbol.asyncIterator]: () => inputs }, sink, signal).then(closeStdin, () => undefined);
}

/** Ends the node's side when the operator goes, even while the node says nothing. Returns how to end it otherwise. */
export function closeOnAbort(stream: CarriedStream, signal: AbortSignal): () => void {
  const close = (): void => stream.close();
  if (signal.aborted) close();
  else signal.addEventListener("abort", close, { once: true });
  return () => {
    signal.removeEventListener("abort", close);
    close();
  };
}
