import { asTallshipError } from "../lib/errors.js";
import type {
  Caller,
  CallOptions,
  Channel,
  Client,
  MethodDefinition,
  ServiceDefinition,
} from "../lib/transport/service.js";
import { safeText } from "./safe-text.js";
import type { Shell } from "./shell.js";

/** What the user asked of calls. */
interface Wishes {
  readonly shell: Shell;
  /** Of one request, milliseconds; 0: as long as it takes; undefined: the call's own. */
  readonly timeoutMs: number | undefined;
  readonly level: number;
}

/** From this level of -v on the request itself is told. */
const TELLS_REQUESTS = 8;
/** Stands for no deadline: longer than anybody waits. */
const ENDLESS_MS = 86_400_000;
/** Calls that answer at some time; the others go on. */
const ANSWERING: ReadonlySet<string> = new Set(["List"]);

/** A channel whose calls end after the time asked for, and are told on standard error. */
export function watchedChannel(channel: Channel, wishes: Wishes): Channel {
  return {
    address: channel.address,
    close: () => channel.close(),
    client: <S extends ServiceDefinition>(definition: S): Client<S> => {
      const client = channel.client(definition);
      const entries = Object.entries(definition.methods).map(([key, method]) => [
        key,
        // The client has a caller for each method of its definition.
        watchedCall(client[key] as Caller<MethodDefinition>, `${definition.name}.${method.name} ${channel.address}`, {
          ...wishes,
          timeoutMs: method.responseStream && !ANSWERING.has(method.name) ? undefined : wishes.timeoutMs,
        }),
      ]);
      return Object.fromEntries(entries) as Client<S>; // Each caller takes and gives what its own does.
    },
  };
}

function watchedCall(call: Caller<MethodDefinition>, name: string, wishes: Wishes): unknown {
  const { shell, timeoutMs, level } = wishes;
  const began = (request: unknown): ((error?: unknown) => Promise<void>) => {
    const startedAtMs = shell.clock.monotonicMs();
    return async (error) => {
      if (level < 6) return;
      const asked = level >= TELLS_REQUESTS && !isStream(request) ? ` ${requestText(request)}` : "";
      const outcome = error === undefined ? "ok" : asTallshipError(error).code;
      const tookMs = Math.round(shell.clock.monotonicMs() - startedAtMs);
      await shell.stderr.write(safeText(`${name}${asked} ${outcome} in ${tookMs} ms\n`));
    };
  };
  return (request: unknown, options: CallOptions = {}): unknown => {
    const limited =
      timeoutMs === undefined ? options : { ...options, deadlineMs: timeoutMs === 0 ? ENDLESS_MS : timeoutMs };
    const ended = began(request);
    const answer: unknown = call(request as never, limited); // Passed on as it came.
    return isStream(answer) ? watchedStream(answer, ended) : watchedAnswer(Promise.resolve(answer), ended);
  };
}

async function watchedAnswer(answer: Promise<unknown>, ended: (error?: unknown) => Promise<void>): Promise<unknown> {
  try {
    const value = await answer;
    await ended();
    return value;
  } catch (error) {
    await ended(error);
    throw error;
  }
}

async function* watchedStream(
  stream: AsyncIterable<unknown>,
  ended: (error?: unknown) => Promise<void>,
): AsyncGenerator<unknown> {
  try {
    yield* stream;
  } catch (error) {
    await ended(error);
    throw error;
  }
  await ended();
}

function isStream(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}

function requestText(request: unknown): string {
  return JSON.stringify(request, (_key, value: unknown) => {
    if (typeof value === "bigint") return String(value);
    return isBytes(value) ? "bytes" : value;
  });
}

/** JSON.stringify has turned buffers into this form by the time that it asks. */
function isBytes(value: unknown): boolean {
  return (
    value instanceof Uint8Array ||
    (typeof value === "object" && value !== null && "type" in value && value.type === "Buffer")
  );
}
