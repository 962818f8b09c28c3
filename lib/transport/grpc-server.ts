import type { IncomingMessage, ServerResponse } from "node:http";
import type { TLSSocket } from "node:tls";
import {
  type ServiceDefinition as GrpcService,
  Metadata,
  Server,
  ServerCredentials,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import type { Clock } from "../clock.js";
import { LIMITS } from "../limits.js";
import type { Log } from "../log.js";
import { boundMethods } from "./authorize.js";
import type { CredentialSource } from "./credentials.js";
import { grpcMethod } from "./grpc-codec.js";
import { type CallObserver, grpcImplementation, type RunningStreams, runningStreams } from "./grpc-handlers.js";
import { httpOnTls } from "./http-on-tls.js";
import { widenReceiveWindow } from "./receive-window.js";
import type { Binding, Identity, TransportServer } from "./service.js";
import { listenTls } from "./tls-listener.js";

/** What a gRPC server serves, to whom, and where. */
export interface GrpcServerOptions {
  readonly bindings: readonly Binding[];
  /** Address to listen on. */
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
  readonly credentials: CredentialSource;
  /** "required": identities come from the peers' certificates. "none": everybody is anonymous; for the join listener. */
  readonly clientCertificates: "required" | "none";
  readonly clock: Clock;
  readonly log: Log;
  /** Told of every call that has ended. */
  readonly observe?: CallObserver;
  /** Answers peers that speak HTTP/1.1; without it they are turned away. */
  readonly onHttp?: (request: IncomingMessage, response: ServerResponse, identity: Identity) => void;
}

const SERVER_OPTIONS = {
  "grpc.keepalive_time_ms": LIMITS.keepaliveMs.value,
  "grpc.keepalive_timeout_ms": LIMITS.keepaliveAnswerMs.value,
  "grpc.max_receive_message_length": LIMITS.grpcMessageBytes.value,
  "grpc.max_concurrent_streams": LIMITS.streamsPerConnection.value,
  "grpc.enable_channelz": 0,
};

/** Serves bindings over TLS 1.3. A peer without a valid certificate does not get as far as a call; one whose certificate has no role gets unauthenticated. */
export async function startGrpcServer(options: GrpcServerOptions): Promise<TransportServer> {
  const server = new Server(SERVER_OPTIONS);
  const streams = runningStreams();
  for (const binding of options.bindings) serve(server, binding, options, streams);
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  widenReceiveWindow(server);
  const listener = await listenTls({
    ...options,
    onGrpc: (socket) => injector.injectConnection(socket),
    onHttp: httpHandler(options),
  });
  let closing: Promise<void> | undefined;
  const close = (graceMs: number): Promise<void> => {
    listener.close();
    streams.stop();
    return new Promise((resolve) => {
      // The connections are cut from below: forceShutdown of grpc-js knows only the sessions that channelz counted, and a peer that is frozen ends none.
      const finish = (): void => {
        cancel();
        listener.drop();
        resolve();
      };
      const cancel = options.clock.after(graceMs, finish);
      server.tryShutdown(finish);
    });
  };
  return {
    port: listener.port,
    close: (graceMs) => {
      closing ??= close(graceMs);
      return closing;
    },
  };
}

function httpHandler({ onHttp }: GrpcServerOptions): (socket: TLSSocket) => void {
  if (onHttp === undefined) return (socket) => socket.destroy();
  return httpOnTls(onHttp);
}

function serve(server: Server, binding: Binding, options: GrpcServerOptions, streams: RunningStreams): void {
  const definition: Record<string, GrpcService[string]> = {};
  const implementation: UntypedServiceImplementation = {};
  const metadataOf = (trailers: Readonly<Record<string, string>>): Metadata => {
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(trailers)) metadata.set(name, value);
    return metadata;
  };
  for (const method of boundMethods([binding])) {
    definition[method.definition.name] = grpcMethod(method.path, method.definition);
    implementation[method.definition.name] = grpcImplementation(method, { ...options, streams, metadataOf });
  }
  server.addService(definition, implementation);
}
