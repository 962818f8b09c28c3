import { TallshipError } from "../../lib/errors.js";
import type { MemoryNetwork } from "../../lib/transport/memory.js";
import type {
  CallOptions,
  Channel,
  Client,
  Dialer,
  Identity,
  MethodDefinition,
  ServiceDefinition,
} from "../../lib/transport/service.js";
import type { FaultSource } from "./faults.js";
import type { SimProcess } from "./sim-clock.js";

/** What a simulated dialer needs. */
export interface SimDialerParts {
  readonly network: MemoryNetwork;
  readonly identity: Identity;
  readonly process: SimProcess;
  readonly faults: FaultSource;
  /** Whether the caller's host reaches the address now. */
  readonly isReachable: (address: string) => boolean;
  /** The process that serves at the address, if any. */
  readonly serverAt: (address: string) => SimProcess | undefined;
}

type Call = (request: unknown, options?: CallOptions) => unknown;

/** Dials over a network that delays, loses and doubles messages and breaks streams, as decided by the seed. */
export function simDialer(parts: SimDialerParts): Dialer {
  const inner = parts.network.dialer(parts.identity);
  return {
    dial: (address) => {
      const channel = inner.dial(address);
      return {
        address,
        client: (definition) => faultyClient(definition, channel, parts),
        close: () => channel.close(),
      };
    },
  };
}

function faultyClient<S extends ServiceDefinition>(definition: S, channel: Channel, parts: SimDialerParts): Client<S> {
  const client = channel.client(definition);
  const methods = Object.entries(definition.methods).map(([key, method]) => {
    // The client has one function per method of its definition.
    const call = client[key as keyof typeof client] as unknown as Call;
    return [key, faultyMethod(method, call, channel.address, parts)] as const;
  });
  // Keys and shapes follow the definition, entry by entry.
  return Object.fromEntries(methods) as Client<S>;
}

function faultyMethod(method: MethodDefinition, call: Call, address: string, parts: SimDialerParts): Call {
  const sent = (request: unknown): unknown =>
    method.requestStream ? delayed(asStream(request), address, parts) : request;
  if (method.responseStream)
    return (request, options) => answers(() => asStream(call(sent(request), options)), address, parts);
  return (request, options) =>
    unary((again) => asPromise(call(again ? request : sent(request), options)), {
      address,
      parts,
      isStream: method.requestStream,
    });
}

// The definition says which shape a method's requests and answers have.
const asStream = (value: unknown): AsyncIterable<unknown> => value as AsyncIterable<unknown>;
const asPromise = (value: unknown): Promise<unknown> => value as Promise<unknown>;

async function unary(
  call: (again: boolean) => Promise<unknown>,
  {
    address,
    parts,
    isStream,
  }: { readonly address: string; readonly parts: SimDialerParts; readonly isStream: boolean },
): Promise<unknown> {
  await pass(parts);
  if (!hears(parts, address) || parts.faults.strikes("loseRequest")) throw await silence(parts, address);
  if (!isStream && parts.faults.strikes("doubleRequest")) void call(true).catch(() => undefined);
  const answer = await call(false);
  await pass(parts);
  if (!hears(parts, address) || parts.faults.strikes("loseAnswer")) throw await silence(parts, address);
  return answer;
}

/** Whether the server gets a request, or sends its answer, now. A paused one takes nothing in time. */
function hears(parts: SimDialerParts, address: string): boolean {
  return parts.isReachable(address) && parts.serverAt(address)?.isPaused !== true;
}

/** What a lost message looks like: nothing, then unavailable. */
async function silence(parts: SimDialerParts, address: string): Promise<TallshipError> {
  await new Promise<void>((resolve) => parts.process.after(1_000, resolve));
  return unreachable(address);
}

const unreachable = (address: string): TallshipError =>
  new TallshipError("unavailable", `${address} cannot be reached (simulated)`);

async function* answers(
  open: () => AsyncIterable<unknown>,
  address: string,
  parts: SimDialerParts,
): AsyncGenerator<unknown> {
  await pass(parts);
  if (!hears(parts, address)) throw await silence(parts, address);
  yield* delayed(open(), address, parts);
}

async function* delayed(
  stream: AsyncIterable<unknown>,
  address: string,
  parts: SimDialerParts,
): AsyncGenerator<unknown> {
  for await (const message of stream) {
    await pass(parts);
    await parts.serverAt(address)?.whenNotPaused();
    if (!parts.isReachable(address) || parts.faults.strikes("cutStream")) throw unreachable(address);
    yield message;
  }
}

function pass(parts: SimDialerParts): Promise<void> {
  return new Promise((resolve) => {
    parts.process.after(parts.faults.delayMs(), resolve);
  });
}
