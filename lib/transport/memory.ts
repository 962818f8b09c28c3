import type { Clock } from "../clock.js";
import { asTallshipError, TallshipError } from "../errors.js";
import { LIMITS } from "../limits.js";
import { type BoundMethod, boundMethods, methodPath } from "./authorize.js";
import { Pipe } from "./pipe.js";
import { pump } from "./pump.js";
import type {
  Binding,
  CallContext,
  CallOptions,
  Channel,
  Client,
  Dialer,
  Identity,
  MessageType,
  MethodDefinition,
  ServiceDefinition,
} from "./service.js";
import { fromWireError, toWireError } from "./wire-error.js";

/** Messages that wait in a stream before its producer pauses. */
const IN_FLIGHT = 16;

/** A server in a memory network. */
export interface MemoryServer {
  /** Ends every call with unavailable, as a process that dies does. */
  close(): void;
}

/**
 * A network inside one process, with the semantics of gRPC over mTLS: messages are encoded and decoded, identities come from the dialer, streams press
 * back, errors cross as codes. For tests and the simulator; all waiting is on the clock given.
 */
export interface MemoryNetwork {
  /** Serves at an address, host:port; in place of what was served there. */
  serve(address: string, bindings: readonly Binding[]): MemoryServer;
  /** Dials as the identity. */
  dialer(identity: Identity): Dialer;
}

/** An empty network. */
export function memoryNetwork(clock: Clock): MemoryNetwork {
  const hosts = new Map<string, Host>();
  return {
    serve: (address, bindings) => {
      const host: Host = {
        methods: new Map(boundMethods(bindings).map((method) => [method.path, method])),
        calls: new Set(),
      };
      hosts.set(address, host);
      return {
        close: () => {
          if (hosts.get(address) === host) hosts.delete(address);
          for (const end of [...host.calls])
            end(new TallshipError("unavailable", `${address} cannot be reached: it went away`));
        },
      };
    },
    dialer: (identity) => ({
      dial: (address) => memoryChannel({ address, identity, clock, find: () => hosts.get(address) }),
    }),
  };
}

interface Host {
  readonly methods: ReadonlyMap<string, BoundMethod>;
  /** How each running call is ended. */
  readonly calls: Set<(error: TallshipError) => void>;
}

interface Peer {
  readonly address: string;
  readonly identity: Identity;
  readonly clock: Clock;
  readonly find: () => Host | undefined;
}

function memoryChannel(peer: Peer): Channel {
  let isClosed = false;
  return {
    address: peer.address,
    client: (definition) => clientOf(definition, peer, () => isClosed),
    close: () => {
      isClosed = true;
    },
  };
}

function clientOf<S extends ServiceDefinition>(definition: S, peer: Peer, isClosed: () => boolean): Client<S> {
  const methods = Object.entries(definition.methods).map(([key, method]) => {
    const path = methodPath(definition.fullName, method.name);
    const call = (request: unknown, options: CallOptions = {}): unknown => {
      const running = new MemoryCall({ path, method, peer, options, isClosed: isClosed() });
      return method.responseStream ? running.streaming(request) : running.unary(request);
    };
    return [key, call] as const;
  });
  // Keys and shapes follow the definition, entry by entry.
  return Object.fromEntries(methods) as Client<S>;
}

interface CallSetup {
  readonly path: string;
  readonly method: MethodDefinition;
  readonly peer: Peer;
  readonly options: CallOptions;
  readonly isClosed: boolean;
}

/** One call, both sides of it. Ends exactly once. */
class MemoryCall {
  private readonly setup: CallSetup;
  /** Aborted when the call is over for its server. */
  private readonly over = new AbortController();
  private readonly responses: Pipe<unknown>;
  private releaseWriter: (() => void) | undefined;

  constructor(setup: CallSetup) {
    this.setup = setup;
    this.responses = new Pipe<unknown>(IN_FLIGHT, {
      onRoom: () => this.release(),
      onLeft: () => this.end(new TallshipError("cancelled", `${setup.path}: the caller left`)),
    });
  }

  async unary(request: unknown): Promise<unknown> {
    this.begin(request, LIMITS.rpcDeadlineMs.value);
    const answer = await this.responses.next();
    this.end();
    if (answer.done === true) throw new TallshipError("internal", `${this.setup.path}: no answer`);
    return answer.value;
  }

  streaming(request: unknown): AsyncIterable<unknown> {
    this.begin(request, undefined);
    return this.responses;
  }

  private begin(request: unknown, defaultDeadlineMs: number | undefined): void {
    const { peer, options, path } = this.setup;
    const host = peer.find();
    const method = host?.methods.get(path);
    if (host === undefined || method === undefined || this.isGivenUp()) {
      this.end(this.refusal(host));
      return;
    }
    this.guard(host, options.deadlineMs ?? defaultDeadlineMs);
    void this.serve(method, request);
  }

  private isGivenUp(): boolean {
    return this.setup.isClosed || this.setup.options.signal?.aborted === true;
  }

  private refusal(host: Host | undefined): TallshipError {
    const { path, peer, isClosed } = this.setup;
    if (isClosed) return new TallshipError("cancelled", `${path}: the channel to ${peer.address} is closed`);
    if (this.isGivenUp()) return new TallshipError("cancelled", `${path}: cancelled`);
    if (host === undefined)
      return new TallshipError("unavailable", `${peer.address} cannot be reached: nothing listens`);
    return new TallshipError("not_supported", `${path} is not served here`);
  }

  private guard(host: Host, deadlineMs: number | undefined): void {
    const { options, path, peer } = this.setup;
    const cut = (error: TallshipError): void => this.end(error);
    const abandoned = (): void => this.end(new TallshipError("cancelled", `${path}: cancelled`));
    const late = (): void =>
      this.end(new TallshipError("deadline_exceeded", `${path}: no answer within ${deadlineMs} ms`));
    const cancelLate = deadlineMs === undefined ? undefined : peer.clock.after(deadlineMs, late);
    host.calls.add(cut);
    options.signal?.addEventListener("abort", abandoned, { once: true });
    this.over.signal.addEventListener("abort", () => {
      cancelLate?.();
      host.calls.delete(cut);
      options.signal?.removeEventListener("abort", abandoned);
    });
  }

  private async serve(method: BoundMethod, request: unknown): Promise<void> {
    const { identity } = this.setup.peer;
    const context: CallContext = { identity, signal: this.over.signal, peer: "memory" };
    const { requestStream, requestType, responseStream } = method.definition;
    try {
      await Promise.resolve(); // A server answers after its caller's turn, never within it.
      const taken = requestStream ? this.requests(request) : recode(requestType, request);
      if (responseStream) await this.sendAll(method, method.run(taken, context));
      else this.send(method, await method.run(taken, context));
      this.end();
    } catch (error) {
      this.end(fromWireError(toWireError(error)));
    }
  }

  private requests(source: unknown): AsyncIterable<unknown> {
    const { requestType } = this.setup.method;
    let release: (() => void) | undefined;
    const pipe = new Pipe<unknown>(IN_FLIGHT, { onRoom: () => release?.() });
    const sink = {
      write: (message: unknown) => pipe.push(recode(requestType, message)),
      onceDrained: (go: () => void) => {
        release = go;
      },
    };
    this.over.signal.addEventListener("abort", () => pipe.end(new TallshipError("cancelled", "the caller has gone")));
    // A method with a request stream is called with an iterable: Caller<M> says so.
    pump(source as AsyncIterable<unknown>, sink, this.over.signal).then(
      () => pipe.end(),
      (error: unknown) => this.end(asTallshipError(error)),
    );
    return pipe;
  }

  private sendAll(method: BoundMethod, source: AsyncIterable<unknown>): Promise<void> {
    const sink = {
      write: (message: unknown) => this.send(method, message),
      onceDrained: (go: () => void) => {
        this.releaseWriter = go;
      },
    };
    return pump(source, sink, this.over.signal);
  }

  private send(method: BoundMethod, message: unknown): boolean {
    return this.responses.push(recode(method.definition.responseType, message));
  }

  private release(): void {
    const go = this.releaseWriter;
    this.releaseWriter = undefined;
    go?.();
  }

  private end(error?: TallshipError): void {
    this.responses.end(error);
    this.over.abort();
  }
}

/** The message as the other side gets it. */
function recode(type: MessageType<unknown>, message: unknown): unknown {
  const bytes = type.encode(message).finish();
  if (bytes.length <= LIMITS.grpcMessageBytes.value) return type.decode(bytes);
  throw new TallshipError(
    "too_large",
    `received message larger than max (${bytes.length} vs. ${LIMITS.grpcMessageBytes.value})`,
  );
}
