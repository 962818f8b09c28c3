import { type Client, type CallOptions as GrpcCallOptions, Metadata, type ServiceError } from "@grpc/grpc-js";
import type { Clock } from "../clock.js";
import { asTallshipError, TallshipError } from "../errors.js";
import { LIMITS } from "../limits.js";
import type { GrpcMethod } from "./grpc-codec.js";
import { type GrpcReadable, inbound } from "./grpc-inbound.js";
import type { Patience } from "./patience.js";
import { Pipe } from "./pipe.js";
import { pump } from "./pump.js";
import type { CallOptions } from "./service.js";
import { fromWireError } from "./wire-error.js";

/** One connection under a channel. */
export interface Connection {
  readonly client: Client;
  isUp(): boolean;
  /** Whether the peer has taken the connection, which is not up yet. */
  isTaken(): boolean;
  /** What is wrong with our own certificate, of which a server says nothing: it just hangs up. */
  ownFault(): string | undefined;
  /** Counts a call; returns what to do when it is over. */
  begin(): () => void;
  /** No new calls: closes once those that run are over. */
  retire(): void;
  close(): void;
}

/** What a call needs of its channel. */
export interface CallChannel {
  readonly address: string;
  readonly clock: Clock;
  /** Undefined once the channel is closed. */
  readonly connect: () => Connection | undefined;
  readonly patience: Patience;
  /** The connection has not come about in time: no call shall wait for it any more. */
  readonly giveUp: (hanging: Connection) => void;
}

/** What the four call objects of grpc-js have in common, as far as it is used here. */
interface GrpcCall extends GrpcReadable {
  cancel(): void;
  write(message: unknown): boolean;
  once(event: "drain", call: () => void): unknown;
  end(): void;
}

interface EndsWithStatus {
  on(event: "status", listener: () => void): unknown;
}

/** Calls a method of any shape: a promise for unary responses, an iterable for streams. The call starts at once, read or not. */
export function callGrpc(method: GrpcMethod, request: unknown, options: CallOptions, channel: CallChannel): unknown {
  const connection = channel.connect();
  if (connection !== undefined) {
    const call = new GrpcCaller(method, options, channel, connection);
    return method.responseStream ? call.streaming(request) : call.unary(request);
  }
  const closed = new TallshipError("cancelled", `${method.path}: the channel to ${channel.address} is closed`);
  if (!method.responseStream) return Promise.reject(closed);
  const responses = new Pipe<unknown>(1);
  responses.end(closed);
  return responses;
}

/** One call. Ends exactly once; why it was ended from this side outlives what grpc-js then reports. */
class GrpcCaller {
  private readonly method: GrpcMethod;
  private readonly options: CallOptions;
  private readonly channel: CallChannel;
  private readonly connection: Connection;
  /** Aborted when the call is over, for whichever reason. */
  private readonly over = new AbortController();
  private reason: TallshipError | undefined;
  private call: Pick<GrpcCall, "cancel"> | undefined;
  /** Milliseconds that it waits for its connection. */
  private readonly waitMs: number;

  constructor(method: GrpcMethod, options: CallOptions, channel: CallChannel, connection: Connection) {
    this.method = method;
    this.options = options;
    this.channel = channel;
    this.connection = connection;
    this.waitMs = channel.patience.ms;
  }

  async unary(request: unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const answered = (error: ServiceError | null, response?: unknown): void => {
        this.end();
        if (error === null) resolve(response);
        else reject(this.asError(error));
      };
      this.guard();
      const { client } = this.connection;
      const { path, requestSerialize, responseDeserialize } = this.method;
      const rest = [new Metadata(), this.grpcOptions(LIMITS.rpcDeadlineMs.value)] as const;
      if (this.method.requestStream) {
        const call = client.makeClientStreamRequest(path, requestSerialize, responseDeserialize, ...rest, answered);
        this.started(call);
        this.send(request, call);
      } else {
        this.started(client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, ...rest, answered));
      }
    });
  }

  streaming(request: unknown): AsyncIterable<unknown> {
    this.guard();
    const { client } = this.connection;
    const { path, requestSerialize, responseDeserialize } = this.method;
    const rest = [new Metadata(), this.grpcOptions(undefined)] as const;
    if (!this.method.requestStream) {
      const call = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request, ...rest);
      return this.receive(call);
    }
    const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, ...rest);
    const responses = this.receive(call);
    this.send(request, call);
    return responses;
  }

  private receive(call: GrpcReadable & Pick<GrpcCall, "cancel"> & EndsWithStatus): AsyncIterable<unknown> {
    this.started(call);
    call.on("status", () => this.end());
    return inbound(call, {
      asError: (error) => this.asError(error),
      onLeft: () => this.stop(new TallshipError("cancelled", `${this.method.path}: the caller left`)),
    });
  }

  private send(requests: unknown, call: Pick<GrpcCall, "write" | "once" | "end">): void {
    const sink = {
      write: (message: unknown) => call.write(message),
      onceDrained: (go: () => void) => call.once("drain", go),
    };
    // A method with a request stream is called with an iterable: Caller<M> says so.
    pump(requests as AsyncIterable<unknown>, sink, this.over.signal).then(
      () => {
        if (!this.over.signal.aborted) call.end();
      },
      (error: unknown) => this.stop(asTallshipError(error)),
    );
  }

  /** Ends the call when the caller gives up, or when no connection comes about in time. */
  private guard(): void {
    const finished = this.connection.begin();
    const { signal } = this.options;
    const abandoned = (): void => this.stop(new TallshipError("cancelled", `${this.method.path}: cancelled`));
    signal?.addEventListener("abort", abandoned, { once: true });
    const late = (): void => {
      if (this.connection.isUp()) {
        this.channel.patience.succeeded();
        return;
      }
      const message = `${this.channel.address} cannot be reached: no connection within ${this.waitMs} ms`;
      this.stop(new TallshipError("unavailable", message));
      this.channel.giveUp(this.connection);
    };
    const cancelLate = this.connection.isUp() ? undefined : this.channel.clock.after(this.waitMs, late);
    this.over.signal.addEventListener("abort", () => {
      finished();
      cancelLate?.();
      // Most calls are over before they would have been late.
      if (cancelLate !== undefined && this.connection.isUp()) this.channel.patience.succeeded();
      signal?.removeEventListener("abort", abandoned);
    });
  }

  private grpcOptions(defaultMs: number | undefined): GrpcCallOptions {
    const deadlineMs = this.options.deadlineMs ?? defaultMs;
    return deadlineMs === undefined ? {} : { deadline: this.channel.clock.nowMs() + deadlineMs };
  }

  private started(call: Pick<GrpcCall, "cancel">): void {
    this.call = call;
    if (this.options.signal?.aborted) this.stop(new TallshipError("cancelled", `${this.method.path}: cancelled`));
  }

  private stop(reason: TallshipError): void {
    this.reason ??= reason;
    this.call?.cancel();
    this.end();
  }

  private end(): void {
    this.over.abort();
  }

  private asError(error: Error): TallshipError {
    if (this.reason !== undefined) return this.reason;
    // grpc-js reports a ServiceError: a status code, the message apart, and the trailers.
    const { code, details, metadata } = error as Partial<ServiceError>;
    const trailers = Object.fromEntries(
      Object.entries(metadata?.getMap() ?? {}).map(([name, value]) => [name, String(value)]),
    );
    const message = details ?? error.message;
    if (code !== 14 || "tallship-code" in trailers) return fromWireError({ status: code ?? 13, message, trailers });
    const ownFault = this.connection.ownFault();
    if (ownFault !== undefined)
      return new TallshipError("unauthenticated", `${this.channel.address} hung up: ${ownFault}`);
    const reason = `${this.channel.address} cannot be reached: ${plainReason(message, this.waitMs)}`;
    return fromWireError({ status: code, message: reason, trailers });
  }
}

/** What grpc-js says of a connection that did not come about, without its bookkeeping. */
function plainReason(message: string, waitMs: number): string {
  return message
    .replace(/^No connection established\. Last error: (null\. )?/, "")
    .replace(/^Channel closed before call started$/, `no connection within ${waitMs} ms`)
    .replace(/\.? ?Resolution note: .*$/, "")
    .replace(/^Error: /, "");
}
