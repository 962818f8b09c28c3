import { assertNever, asTallshipError, TallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import type { Log } from "../../lib/log.js";
import { Pipe } from "../../lib/transport/pipe.js";
import { NodesDefinition, type OpenStream } from "../../proto/gen/tallship/v1/session.js";
import type {
  ExecInput,
  ExecOutput,
  ExecStart,
  LogsChunk,
  LogsRequest,
  NodeFrame,
  OperatorFrame,
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
}

/** What carrying needs. */
export interface CarryParts {
  readonly book: AddressBook;
  readonly streams: PodStreams;
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
  const input = new ExecInputs();
  try {
    const client = parts.book.channel(open.replicaAddress).client(NodesDefinition);
    const frames = client.carry(outgoing(parts.streams, open, input.stream, over.signal), { signal: over.signal });
    for await (const frame of frames) await take(frame, input, over);
  } catch (error) {
    if (!over.signal.aborted)
      parts.log.info("an operator stream broke off", {
        operation: open.operationID,
        error: asTallshipError(error).message,
      });
  } finally {
    input.end();
    over.abort();
    signal.removeEventListener("abort", stop);
  }
}

/** What the operator sends, on its way to the command. The operator is held back while the command does not read. */
class ExecInputs {
  private release: (() => void) | undefined;
  readonly stream = new Pipe<ExecInput>(limit("execInputMessages"), {
    onRoom: () => this.open(),
    onLeft: () => this.end(),
  });
  private isOver = false;

  /** Resolves when more may come. */
  async push(value: ExecInput): Promise<void> {
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

async function take({ part }: OperatorFrame, input: ExecInputs, over: AbortController): Promise<void> {
  if (part === undefined) return;
  switch (part.$case) {
    case "cancel":
      over.abort();
      return;
    case "exec":
      await input.push(part.value);
      return;
    default:
      assertNever(part);
  }
}

/** The node's side: which operation this is, then what the pod gives, then an error when it failed. */
async function* outgoing(
  streams: PodStreams,
  open: OpenStream,
  input: AsyncIterable<ExecInput>,
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
  streams: PodStreams,
  { podUID, what }: OpenStream,
  input: AsyncIterable<ExecInput>,
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
      for await (const output of streams.exec(podUID, what.value, input, signal))
        yield { part: { $case: "exec", value: output } };
      return;
    default:
      assertNever(what);
  }
}
