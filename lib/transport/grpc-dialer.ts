// Edge: sockets.
import { createSecureContext, type SecureContext } from "node:tls";
import { ChannelCredentials, Client, connectivityState } from "@grpc/grpc-js";
import type { Clock } from "../clock.js";
import { LIMITS } from "../limits.js";
import { methodPath } from "./authorize.js";
import { type CredentialSource, type Credentials, faultOf } from "./credentials.js";
import { type CallChannel, type Connection, callGrpc } from "./grpc-calls.js";
import { grpcMethod } from "./grpc-codec.js";
import { Patience } from "./patience.js";
import { identityOfSubject, type Role } from "./peer-identity.js";
import type { CallOptions, Channel, Dialer, ServiceDefinition, Client as TypedClient } from "./service.js";
import { contextOptions } from "./tls-listener.js";
import { watchHandshakes } from "./watched-credentials.js";

/** As whom to dial, and who must answer. */
export interface GrpcDialerOptions {
  readonly credentials: CredentialSource;
  /**
   * The role that the server's certificate must carry. It stands in for the check of its address: any control plane is as good as
   * another, wherever it is reached, and no node can pose as one.
   */
  readonly serverRole: Role;
  readonly clock: Clock;
}

const CHANNEL_OPTIONS = {
  "grpc.keepalive_time_ms": LIMITS.keepaliveMs.value,
  "grpc.keepalive_timeout_ms": LIMITS.keepaliveAnswerMs.value,
  "grpc.keepalive_permit_without_calls": 1,
  "grpc.initial_reconnect_backoff_ms": LIMITS.reconnectFirstMs.value,
  "grpc.max_reconnect_backoff_ms": LIMITS.reconnectMaxMs.value,
  "grpc.max_receive_message_length": LIMITS.grpcMessageBytes.value,
  "grpc-node.flow_control_window": LIMITS.flowControlWindowBytes.value,
  // No call is ever repeated behind the caller's back, and no proxy of the environment sees them.
  "grpc.enable_retries": 0,
  "grpc.enable_http_proxy": 0,
  "grpc.service_config_disable_resolution": 1,
  "grpc.use_local_subchannel_pool": 1,
  "grpc.enable_channelz": 0,
  // The server name sent in TLS; certificates are checked by role. An address would not be allowed there.
  "grpc.ssl_target_name_override": "tallship",
};

/** Opens one connection per channel, when its first call is made, and again after it was lost. Renewed credentials take effect with the next call. */
export function grpcDialer(options: GrpcDialerOptions): Dialer {
  return { dial: (address) => grpcChannel(address, options) };
}

function grpcChannel(address: string, options: GrpcDialerOptions): Channel {
  let connection: Connection | undefined;
  let isClosed = false;
  const patience = new Patience();
  const retire = (): void => {
    connection?.retire();
    connection = undefined;
  };
  const stopRenewing = options.credentials.onChange(retire);
  const connect = (): Connection | undefined => {
    if (!isClosed) connection ??= openConnection(address, options);
    return connection;
  };
  // An attempt to connect that hangs would hang on after the peer is back: the next call begins anew. Other calls that wait for it do so too: left to themselves they would come to run on
  // connections of their own, and stay there for as long as they run.
  const giveUp = (hanging: Connection): void => {
    if (connection === hanging) {
      connection = undefined;
      if (hanging.isTaken()) patience.failed();
    }
    hanging.close();
  };
  return {
    address,
    client: (definition) => clientOf(definition, { address, clock: options.clock, connect, patience, giveUp }),
    close: () => {
      isClosed = true;
      stopRenewing();
      connection?.close();
      connection = undefined;
    },
  };
}

const contexts = new WeakMap<Credentials, SecureContext>();

/** Reading certificates and key is a fifth of what an attempt to connect costs: once for all that show the same. */
function contextOf(shown: Credentials): SecureContext {
  const known = contexts.get(shown);
  if (known !== undefined) return known;
  const context = createSecureContext(contextOptions(shown));
  contexts.set(shown, context);
  return context;
}

function openConnection(address: string, options: GrpcDialerOptions): Connection {
  const shown = options.credentials.current();
  const tls = ChannelCredentials.createFromSecureContext(contextOf(shown), {
    checkServerIdentity: (_name, certificate) => {
      const role = identityOfSubject(certificate.subject)?.role;
      if (role === options.serverRole) return undefined;
      return new Error(
        `wrong role: ${address} shows a certificate of ${role ?? "no role"}, want ${options.serverRole}`,
      );
    },
  });
  const watched = watchHandshakes(tls, options.clock);
  const client = new Client(address, watched.credentials, CHANNEL_OPTIONS);
  const close = (): void => {
    client.close();
    watched.close();
  };
  let callCount = 0;
  let isRetired = false;
  return {
    client,
    isUp: () => client.getChannel().getConnectivityState(false) === connectivityState.READY,
    isTaken: () => watched.isTaken(),
    ownFault: () => faultOf(shown, options.clock.nowMs()),
    begin: () => {
      callCount += 1;
      return () => {
        callCount -= 1;
        if (isRetired && callCount === 0) close();
      };
    },
    retire: () => {
      isRetired = true;
      if (callCount === 0) close();
    },
    close,
  };
}

function clientOf<S extends ServiceDefinition>(definition: S, channel: CallChannel): TypedClient<S> {
  const methods = Object.entries(definition.methods).map(([key, method]) => {
    const grpc = grpcMethod(methodPath(definition.fullName, method.name), method);
    return [key, (request: unknown, call?: CallOptions) => callGrpc(grpc, request, call ?? {}, channel)] as const;
  });
  // Keys and shapes follow the definition, entry by entry.
  return Object.fromEntries(methods) as TypedClient<S>;
}
