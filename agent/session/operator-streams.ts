import { assertNever, asTallshipError, TallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import type { Log } from "../../lib/log.js";
import { Pipe } from "../../lib/transport/pipe.js";
import type { ImageInput, ImageOutput, ImageTask } from "../../proto/gen/tallship/v1/images.js";
import { NodesDefinition, type OpenStream } from "../../proto/gen/tallship/v1/session.js";
import type {
  AttachStart,
  ChangesChunk,
  ChangesRequest,
  CommitTask,
  CopyStart,
  ExecInput,
  ExecOutput,
  ExecStart,
  ForwardStart,
  LogsChunk,
  LogsRequest,
  NodeFrame,
  OperatorFrame,
  SignalRequest,
  StatsChunk,
  StatsRequest,
} from "../../proto/gen/tallship/v1/streams.js";
import type { AddressBook } from "./address-book.js";

/** What an operator may ask of a pod on this node. Throws not_found, failed_precondition, runtime_failed. */
export interface PodStreams {
  logs(podUid: string, request: LogsRequest, signal: AbortSignal): AsyncIterable<LogsChunk>;
  exec(
    podUid: string,
    start: ExecStart,
    input: AsyncIterable<ExecInput>,
    signal: AbortSignal,
  ): AsyncIterable<ExecOutput>;
  attach(
    podUid: string,
    start: AttachStart,
    input: AsyncIterable<ExecInput>,
    signal: AbortSignal,
  ): AsyncIterable<ExecOutput>;
  forward(
    podUid: string,
    start: ForwardStart,
    input: AsyncIterable<ExecInput>,
    signal: AbortSignal,
  ): AsyncIterable<ExecOutput>;
  copy(
    podUid: string,
    start: CopyStart,
    input: AsyncIterable<ExecInput>,
    signal: AbortSignal,
  ): AsyncIterable<ExecOutput>;
  signal(podUid: string, request: SignalRequest): Promise<void>;
  /** Which files of its image a container has added, changed or deleted. */
  changes(podUid: string, request: ChangesRequest, signal: AbortSignal): AsyncIterable<ChangesChunk>;
  /** Makes an image of a container. */
  commit(podUid: string, task: CommitTask, signal: AbortSignal): AsyncIterable<ImageOutput>;
  /** Of all pods of the node. */
  stats(request: StatsRequest, signal: AbortSignal): AsyncIterable<StatsChunk>;
}

/** What an operator may ask of the node's images. Throws what agent/image throws. */
export interface ImageStreams {
  image(task: ImageTask, input: AsyncIterable<ImageInput>, signal: AbortSignal): AsyncIterable<ImageOutput>;
}

/** What carrying needs. */
export interface CarryParts {
  readonly book: AddressBook;
  readonly streams: PodStreams & ImageStreams;
  readonly log: Log;
}

/**
 * Carries one operator stream: calls the replica that asked, sends what the pod gives, and ends with an error frame when it fails. Resolves when it is over; never
 * rejects. The signal ends it early.
 */
export async function carryStream(parts: CarryParts, open: OpenStream, signal: AbortSignal): Promise<void> {
  const over = new AbortController();
  const stop = (): void => over.abort();
  signal.addEventListener("abort", stop, { once: true });
  const input: OperatorInputs = {
    exec: new Inputs(limit("execInputMessages")),
    image: new Inputs(limit("imageInputMessages")),
  };
  try {
    const client = parts.book.channel(open.replicaAddress).client(NodesDefinition);
    const frames = client.carry(outgoing(parts.streams, open, input, over.signal), { signal: over.signal });
    for await (const frame of frames) await take(frame, input, over);
  } catch (error) {
    if (!over.signal.aborted)
      parts.log.info("an operator stream broke off", {
        operation: open.operationID,
        error: asTallshipError(error).message,
      });
  } finally {
    input.exec.end();
    input.image.end();
    over.abort();
    signal.removeEventListener("abort", stop);
  }
}

/** What the operator sends, by who reads it. */
interface OperatorInputs {
  readonly exec: Inputs<ExecInput>;
  readonly image: Inputs<ImageInput>;
}

/** What the operator sends, on its way to who reads it. The operator is held back while nobody does. */
class Inputs<T> {
  private release: (() => void) | undefined;
  readonly stream: Pipe<T>;
  private isOver = false;

  constructor(mark: number) {
    this.stream = new Pipe<T>(mark, { onRoom: () => this.open(), onLeft: () => this.end() });
  }

  /** Resolves when more may come. */
  async push(value: T): Promise<void> {
    if (this.isOver || this.stream.push(value)) return;
    await new Promise<void>((resolve) => {
      this.release = resolve;
    });
  }

  end(): void {
    this.isOver = true;
    this.stream.end();
    this.open();
  }

  private open(): void {
    const release = this.release;
    this.release = undefined;
    release?.();
  }
}

async function take({ part }: OperatorFrame, input: OperatorInputs, over: AbortController): Promise<void> {
  if (part === undefined) return;
  switch (part.$case) {
    case "cancel":
      over.abort();
      return;
    case "exec":
      await input.exec.push(part.value);
      return;
    case "image":
      await input.image.push(part.value);
      return;
    default:
      assertNever(part);
  }
}

/** The node's side: which operation this is, then what the pod gives, then an error when it failed. */
async function* outgoing(
  streams: CarryParts["streams"],
  open: OpenStream,
  input: OperatorInputs,
  signal: AbortSignal,
): AsyncGenerator<NodeFrame, void, undefined> {
  yield { part: { $case: "operationID", value: open.operationID } };
  try {
    yield* answer(streams, open, input, signal);
  } catch (caught) {
    if (signal.aborted) return;
    const { code, message } = asTallshipError(caught);
    yield { part: { $case: "error", value: { code, message } } };
  }
}

async function* answer(
  streams: CarryParts["streams"],
  { podUID, what }: OpenStream,
  input: OperatorInputs,
  signal: AbortSignal,
): AsyncGenerator<NodeFrame, void, undefined> {
  if (what === undefined)
    throw new TallshipError("not_supported", "this agent does not know the stream that was asked for");
  switch (what.$case) {
    case "logs":
      for await (const chunk of streams.logs(podUID, what.value, signal))
        yield { part: { $case: "logs", value: chunk } };
      return;
    case "exec":
      return yield* asOutput(streams.exec(podUID, what.value, input.exec.stream, signal));
    case "attach":
      return yield* asOutput(streams.attach(podUID, what.value, input.exec.stream, signal));
    case "forward":
      return yield* asOutput(streams.forward(podUID, what.value, input.exec.stream, signal));
    case "copy":
      return yield* asOutput(streams.copy(podUID, what.value, input.exec.stream, signal));
    case "signal":
      return streams.signal(podUID, what.value);
    case "stats":
      for await (const chunk of streams.stats(what.value, signal)) yield { part: { $case: "stats", value: chunk } };
      return;
    case "changes":
      for await (const chunk of streams.changes(podUID, what.value, signal))
        yield { part: { $case: "changes", value: chunk } };
      return;
    case "commit":
      return yield* asImage(streams.commit(podUID, what.value, signal));
    case "image":
      return yield* asImage(streams.image(what.value, input.image.stream, signal));
    default:
      assertNever(what);
  }
}

async function* asImage(outputs: AsyncIterable<ImageOutput>): AsyncGenerator<NodeFrame, void, undefined> {
  for await (const output of outputs) yield { part: { $case: "image", value: output } };
}

async function* asOutput(outputs: AsyncIterable<ExecOutput>): AsyncGenerator<NodeFrame, void, undefined> {
  for await (const output of outputs) yield { part: { $case: "exec", value: output } };
}
