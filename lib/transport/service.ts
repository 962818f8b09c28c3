import type { TallshipError } from "../errors.js";

/** Encodes and decodes one message type; ts-proto's generated objects have this shape. */
export interface MessageType<T> {
  encode(message: T): { finish(): Uint8Array };
  decode(bytes: Uint8Array): T;
}

/** One method of a generated service definition. */
export interface MethodDefinition {
  readonly name: string;
  // biome-ignore lint/suspicious/noExplicitAny: stands for every message type; MethodRequest and MethodResponse recover it.
  readonly requestType: MessageType<any>;
  readonly requestStream: boolean;
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  readonly responseType: MessageType<any>;
  readonly responseStream: boolean;
}

/** A generated service definition (ts-proto `outputServices=generic-definitions`). */
export interface ServiceDefinition {
  readonly name: string;
  readonly fullName: string;
  readonly methods: Readonly<Record<string, MethodDefinition>>;
}

/** The message that a method takes. */
export type MethodRequest<M extends MethodDefinition> = M["requestType"] extends MessageType<infer T> ? T : never;
/** The message that a method returns. */
export type MethodResponse<M extends MethodDefinition> = M["responseType"] extends MessageType<infer T> ? T : never;

/** Who a certificate says the peer is. Roles are fixed when the certificate is signed. */
export interface Identity {
  /** Name of the user, node or replica; empty when anonymous. */
  readonly name: string;
  readonly role: "admin" | "node" | "control-plane" | "metrics" | "anonymous";
}

/** What a handler knows of its call. */
export interface CallContext {
  readonly identity: Identity;
  /** Aborted when the caller has gone or its deadline has passed. */
  readonly signal: AbortSignal;
  /** Address of the caller, for logs. */
  readonly peer: string;
}

/** How a service implements a method: streams are async iterables, errors are thrown as TallshipError. */
export type Handler<M extends MethodDefinition> = (
  request: M["requestStream"] extends true ? AsyncIterable<MethodRequest<M>> : MethodRequest<M>,
  context: CallContext,
) => M["responseStream"] extends true ? AsyncIterable<MethodResponse<M>> : Promise<MethodResponse<M>>;

/** A whole service. */
export type Handlers<S extends ServiceDefinition> = { readonly [K in keyof S["methods"]]: Handler<S["methods"][K]> };

/** What a caller may set per call. */
export interface CallOptions {
  /** Aborting it cancels the call. */
  readonly signal?: AbortSignal;
  /** Milliseconds until the call fails with deadline_exceeded. Default for unary calls: limits.rpcDeadlineMs; streams: none. */
  readonly deadlineMs?: number;
}

/** How a method is called. A failure is thrown as TallshipError with the server's code. */
export type Caller<M extends MethodDefinition> = (
  request: M["requestStream"] extends true ? AsyncIterable<MethodRequest<M>> : MethodRequest<M>,
  options?: CallOptions,
) => M["responseStream"] extends true ? AsyncIterable<MethodResponse<M>> : Promise<MethodResponse<M>>;

/** A whole service as its callers see it. */
export type Client<S extends ServiceDefinition> = { readonly [K in keyof S["methods"]]: Caller<S["methods"][K]> };

/** Edge: a connection to one peer. Real: gRPC over mTLS. Simulated: messages that the simulator loses, delays and doubles. */
export interface Channel {
  /** Address of the peer, host:port. */
  readonly address: string;
  client<S extends ServiceDefinition>(definition: S): Client<S>;
  close(): void;
}

/** Edge: opens channels to peers by address. */
export interface Dialer {
  dial(address: string): Channel;
}

/** A server that is up. */
export interface TransportServer {
  /** TCP port it listens on. */
  readonly port: number;
  /** Takes no more calls, ends streams with unavailable, lets unary calls finish for the grace, then drops every connection. */
  close(graceMs: number): Promise<void>;
}

/** One service and its implementation. */
export interface Binding {
  readonly definition: ServiceDefinition;
  // biome-ignore lint/suspicious/noExplicitAny: bind() checks the handlers against the definition.
  readonly handlers: Handlers<any>;
  /** Why the identity may not call the method (by its name in the schema, such as "CreateToken"); undefined when it may. The one place that authorises calls. */
  readonly authorize: (identity: Identity, method: string) => TallshipError | undefined;
}

/** Ties handlers to their definition, checked by the compiler. */
export function bind<S extends ServiceDefinition>(
  definition: S,
  handlers: Handlers<S>,
  authorize: Binding["authorize"],
): Binding {
  return { definition, handlers, authorize };
}
