import type {
  handleUnaryCall,
  Metadata,
  ServerDuplexStream,
  ServerReadableStream,
  ServerUnaryCall,
  ServerWritableStream,
  sendUnaryData,
} from "@grpc/grpc-js";
import type { Clock } from "../clock.js";
import { asTallshipError, type ErrorCode, TallshipError } from "../errors.js";
import type { Log } from "../log.js";
import type { BoundMethod } from "./authorize.js";
import { inbound } from "./grpc-inbound.js";
import { ANONYMOUS, identityOfSubject } from "./peer-identity.js";
import { pump } from "./pump.js";
import type { CallContext, Identity } from "./service.js";
import { toWireError, type WireError } from "./wire-error.js";

/** A call that has ended. `code` is undefined when it succeeded. */
export interface EndedCall {
  /** /package.Service/Method. */
  readonly path: string;
  readonly isStream: boolean;
  readonly role: Identity["role"];
  readonly code: ErrorCode | undefined;
  readonly tookMs: number;
}

/** Is told of calls, for metrics. */
export type CallObserver = (call: EndedCall) => void;

/** The streams that run, so that a server can end them in an orderly way. */
export interface RunningStreams {
  /** True once streams have been told to end; no call begins any more. */
  isClosing(): boolean;
  /** Takes note of a stream and how it is stopped; returns what to call when it is over. */
  add(stop: () => void): () => void;
  /** Stops them all. */
  stop(): void;
}

/** Starts with none. */
export function runningStreams(): RunningStreams {
  const stops = new Set<() => void>();
  let isClosing = false;
  return {
    isClosing: () => isClosing,
    add: (stop) => {
      stops.add(stop);
      return () => stops.delete(stop);
    },
    stop: () => {
      isClosing = true;
      for (const stop of [...stops]) stop();
    },
  };
}

/** What handlers need of their server. */
export interface HandlerOptions {
  readonly clientCertificates: "required" | "none";
  readonly clock: Clock;
  readonly log: Log;
  readonly observe?: CallObserver;
  readonly streams: RunningStreams;
  readonly metadataOf: (trailers: WireError["trailers"]) => Metadata;
}

type UnaryCall = ServerUnaryCall<unknown, unknown> | ServerReadableStream<unknown, unknown>;
type StreamCall = ServerWritableStream<unknown, unknown> | ServerDuplexStream<unknown, unknown>;
type AnyCall = UnaryCall | StreamCall;

/** A method as grpc-js wants it implemented, of whichever of the four shapes. */
export function grpcImplementation(method: BoundMethod, options: HandlerOptions): handleUnaryCall<unknown, unknown> {
  const { requestStream, responseStream } = method.definition;
  const requestOf = (call: AnyCall, context: CallContext): unknown =>
    requestStream ? requestsOf(call, context) : "request" in call ? call.request : undefined;
  const unary = (call: UnaryCall, reply: sendUnaryData<unknown>): void => {
    void runUnary({ method, call, reply, requestOf, options });
  };
  const streaming = (call: StreamCall): void => {
    void runStream({ method, call, requestOf, options });
  };
  // grpc-js picks the call's shape by the definition; its own type for implementations is the union of the four.
  return (responseStream ? streaming : unary) as handleUnaryCall<unknown, unknown>;
}

function requestsOf(call: AnyCall, context: CallContext): AsyncIterable<unknown> {
  // A call with a request stream is a Readable; ServerUnaryCall and ServerWritableStream do not get here.
  const stream = call as ServerDuplexStream<unknown, unknown>;
  const pipe = inbound(stream, { asError: (error) => asTallshipError(error), onLeft: () => undefined });
  const gone = (): void => pipe.end(new TallshipError("cancelled", "the caller has gone"));
  context.signal.addEventListener("abort", gone, { once: true });
  return pipe;
}

interface Run<C extends AnyCall> {
  readonly method: BoundMethod;
  readonly call: C;
  readonly requestOf: (call: AnyCall, context: CallContext) => unknown;
  readonly options: HandlerOptions;
}

async function runUnary(run: Run<UnaryCall> & { readonly reply: sendUnaryData<unknown> }): Promise<void> {
  const { method, call, reply, options } = run;
  const abort = new AbortController();
  const { identity, finish } = begin(run);
  call.once("cancelled", () => abort.abort());
  try {
    const context = contextOf(run, identity, abort.signal);
    const response: unknown = await method.run(run.requestOf(call, context), context);
    reply(null, response);
    finish(undefined);
  } catch (error) {
    finish(asTallshipError(error));
    reply(statusOf(error, options));
  }
}

async function runStream(run: Run<StreamCall>): Promise<void> {
  const { method, call, options } = run;
  const abort = new AbortController();
  const { identity, finish } = begin(run);
  let ending: TallshipError | undefined;
  const stop = (reason: TallshipError): void => {
    ending ??= reason;
    abort.abort();
  };
  const forget = options.streams.add(() => stop(new TallshipError("unavailable", "the server shuts down")));
  call.once("cancelled", () => stop(new TallshipError("cancelled", "the caller has gone")));
  const sink = {
    write: (message: unknown) => call.write(message),
    onceDrained: (go: () => void) => call.once("drain", go),
  };
  try {
    const context = contextOf(run, identity, abort.signal);
    await pump(method.run(run.requestOf(call, context), context), sink, abort.signal);
    if (ending !== undefined) throw ending;
    call.end();
    finish(undefined);
  } catch (error) {
    finish(asTallshipError(ending ?? error));
    call.emit("error", statusOf(ending ?? error, options));
  }
  forget();
  abort.abort();
}

function contextOf(run: Run<AnyCall>, identity: Identity | undefined, signal: AbortSignal): CallContext {
  const { method, call, options } = run;
  if (options.streams.isClosing()) throw new TallshipError("unavailable", "the server shuts down");
  if (identity !== undefined) return { identity, signal, peer: call.getPeer() };
  throw new TallshipError("unauthenticated", `${method.path}: the client certificate has no role of Tallship`);
}

function identityOf(call: AnyCall, { clientCertificates }: HandlerOptions): Identity | undefined {
  if (clientCertificates === "none") return ANONYMOUS;
  return identityOfSubject(call.getAuthContext().sslPeerCertificate?.subject);
}

function begin({ method, call, options }: Run<AnyCall>): {
  readonly identity: Identity | undefined;
  readonly finish: (error: TallshipError | undefined) => void;
} {
  const startedAtMs = options.clock.monotonicMs();
  const identity = identityOf(call, options);
  const isStream = method.definition.requestStream || method.definition.responseStream;
  const finish = (error: TallshipError | undefined): void => {
    if (error?.code === "internal")
      options.log.error("call failed", { path: method.path, peer: call.getPeer(), error });
    options.observe?.({
      path: method.path,
      isStream,
      role: identity?.role ?? "anonymous",
      code: error?.code,
      tookMs: options.clock.monotonicMs() - startedAtMs,
    });
  };
  return { identity, finish };
}

function statusOf(
  error: unknown,
  { metadataOf }: HandlerOptions,
): { code: number; details: string; metadata: Metadata } {
  const wire = toWireError(error);
  return { code: wire.status, details: wire.message, metadata: metadataOf(wire.trailers) };
}
