import { everyContainer } from "../../kinds/pod-containers.js";
import type { Clock } from "../../lib/clock.js";
import { hasCode, TallshipError } from "../../lib/errors.js";
import { pump } from "../../lib/transport/pump.js";
import type { CallContext, Handlers } from "../../lib/transport/service.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import type { OpenStream } from "../../proto/gen/tallship/v1/session.js";
import {
  type ChangesChunk,
  type ChangesRequest,
  ExecInput,
  type ExecOutput,
  LogsChunk,
  type LogsRequest,
  OperatorFrame,
  type SignalRequest,
  SignalResponse,
  type StreamsDefinition,
} from "../../proto/gen/tallship/v1/streams.js";
import type { View } from "../cache/view.js";
import type { CarriedStream } from "./carried-stream.js";
import { closeOnAbort } from "./close-on-abort.js";
import { type DepartedPods, departureText } from "./departed-pods.js";
import type { StreamBroker } from "./stream-broker.js";
import { type ContainerName, findTarget } from "./stream-target.js";
import { gatherUsage } from "./usage-streams.js";

/** What the Streams service needs. */
export interface StreamsDeps {
  readonly view: View;
  readonly broker: StreamBroker;
  readonly departed: DepartedPods;
  readonly clock: Clock;
}

/** What operators do with pods, on any replica. Whoever leaves first ends the stream on the other side. */
export function streamsService(deps: StreamsDeps): Handlers<typeof StreamsDefinition> {
  return {
    logs: (request, context) => logs(deps, request, context),
    exec: (inputs, context) => duplex(deps, "exec", inputs, context),
    attach: (inputs, context) => duplex(deps, "attach", inputs, context),
    forward: (inputs, context) => duplex(deps, "forward", inputs, context),
    copy: (inputs, context) => duplex(deps, "copy", inputs, context),
    signal: (request, context) => signalContainer(deps, request, context),
    stats: (request, { signal }) => gatherUsage(deps, request, signal),
    changes: (request, { signal }) => changes(deps, request, signal),
  };
}

async function* logs(deps: StreamsDeps, request: LogsRequest, { signal }: CallContext): AsyncGenerator<LogsChunk> {
  const { view, departed, clock } = deps;
  const { namespace, pod } = request;
  // Of a pod that is gone its node still has what it wrote, for a while.
  const gone = view.get("Pod", namespace, pod) === undefined ? departed.find(namespace, pod) : undefined;
  const note = gone === undefined ? "" : departureText(gone, clock.nowMs());
  if (gone === undefined || request.allContainers !== true)
    return yield* logOf(deps, request, { departed: gone?.pod, note, signal });
  yield LogsChunk.fromPartial({ note });
  for (const { name: container } of everyContainer(gone.pod)) {
    const one = logOf(deps, { ...request, container }, { departed: gone.pod, note: "", signal });
    try {
      for await (const chunk of one) yield { ...chunk, container };
    } catch (error) {
      if (!hasCode(error, "not_found")) throw error; // It never ran, or nothing of it is kept.
    }
  }
}

/** What one container wrote, after what there is to be told of its pod. */
async function* logOf(
  { view, broker }: StreamsDeps,
  request: LogsRequest,
  {
    departed,
    note,
    signal,
  }: { readonly departed: Pod | undefined; readonly note: string; readonly signal: AbortSignal },
): AsyncGenerator<LogsChunk> {
  const target = findTarget(
    view,
    request,
    (container) => ({ $case: "logs", value: { ...request, container } }),
    departed,
  );
  const stream = await broker.open(target, signal);
  const stop = closeOnAbort(stream, signal);
  try {
    if (note !== "") yield LogsChunk.fromPartial({ note });
    for (let part = await stream.read(); part !== undefined; part = await stream.read()) {
      if (part.$case === "logs") yield part.value;
    }
  } finally {
    stop();
  }
}

async function* changes(
  { view, broker }: StreamsDeps,
  request: ChangesRequest,
  signal: AbortSignal,
): AsyncGenerator<ChangesChunk> {
  const target = findTarget(view, request, (container) => ({ $case: "changes", value: { ...request, container } }));
  const stream = await broker.open(target, signal);
  const stop = closeOnAbort(stream, signal);
  try {
    for (let part = await stream.read(); part !== undefined; part = await stream.read()) {
      if (part.$case === "changes") yield part.value;
    }
  } finally {
    stop();
  }
}

async function signalContainer(
  { view, broker }: StreamsDeps,
  request: SignalRequest,
  { signal }: CallContext,
): Promise<SignalResponse> {
  const target = findTarget(view, request, (container) => ({ $case: "signal", value: { ...request, container } }));
  const stream = await broker.open(target, signal);
  const stop = closeOnAbort(stream, signal);
  try {
    while ((await stream.read()) !== undefined);
    return SignalResponse.fromPartial({});
  } finally {
    stop();
  }
}

/** Operations with input and output. Those of a process end with its exit code; the others end when all is there. */
type Operation = "exec" | "attach" | "forward" | "copy";

async function* duplex(
  { view, broker }: StreamsDeps,
  operation: Operation,
  inputs: AsyncIterable<ExecInput>,
  { signal }: CallContext,
): AsyncGenerator<ExecOutput> {
  const iterator = inputs[Symbol.asyncIterator]();
  const { name, describe } = startOf(operation, await iterator.next());
  const stream = await broker.open(findTarget(view, name, describe), signal);
  const stop = closeOnAbort(stream, signal);
  sendInputs(iterator, stream, signal);
  try {
    for (let part = await stream.read(); part !== undefined; part = await stream.read()) {
      if (part.$case !== "exec") continue;
      yield part.value;
      if (part.value.part?.$case === "exitCode") return;
    }
    if (operation === "forward" || operation === "copy") return;
    throw new TallshipError(
      "unavailable",
      `node ${stream.nodeName} ended the stream without an exit code: the command's end is not known`,
    );
  } finally {
    stop();
  }
}

interface Start {
  readonly name: ContainerName;
  readonly describe: (container: string) => NonNullable<OpenStream["what"]>;
}

/** The first message says what is to be done, and it must be what was called. */
function startOf(operation: Operation, first: IteratorResult<ExecInput>): Start {
  const part = first.done === true ? undefined : first.value.part;
  if (operation === "exec" && part?.$case === "start") {
    if (part.value.command.length === 0) throw new TallshipError("invalid_argument", "exec: want a command");
    return { name: part.value, describe: (container) => ({ $case: "exec", value: { ...part.value, container } }) };
  }
  if (operation === "attach" && part?.$case === "attach")
    return { name: part.value, describe: (container) => ({ $case: "attach", value: { ...part.value, container } }) };
  if (operation === "copy" && part?.$case === "copy")
    return { name: part.value, describe: (container) => ({ $case: "copy", value: { ...part.value, container } }) };
  if (operation === "forward" && part?.$case === "forward")
    return { name: { ...part.value, container: undefined }, describe: () => ({ $case: "forward", value: part.value }) };
  throw new TallshipError("invalid_argument", `${operation}: the first message must start it`);
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
