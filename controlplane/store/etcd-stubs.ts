// Edge: gRPC to etcd.
import { ChannelCredentials, Metadata } from "@grpc/grpc-js";
import {
  ClusterClient,
  castGrpcError,
  type ICallable,
  KVClient,
  LeaseClient,
  MaintenanceClient,
  WatchClient,
} from "etcd3";
import { Host } from "etcd3/lib/connection-pool.js";
import { TallshipError } from "../../lib/errors.js";
import type { EtcdTls } from "./etcd-tls.js";

/** Where etcd is, and how to speak to it. */
export interface EtcdStubsOptions {
  /** host:port. */
  readonly address: string;
  /** Absent: plain text. */
  readonly tls: EtcdTls | undefined;
}

/** What is called of etcd. */
export interface EtcdStubs {
  readonly kv: KVClient;
  readonly lease: LeaseClient;
  readonly watch: WatchClient;
  readonly cluster: ClusterClient;
  readonly maintenance: MaintenanceClient;
  /** Ends every call. */
  close(): void;
}

// etcd drops a client that pings more often than every 5 s; a message of etcd's own may be larger than grpc's 4 MiB.
const channelOptions = {
  "grpc.keepalive_time_ms": 5_500,
  "grpc.keepalive_timeout_ms": 2_000,
  "grpc.initial_reconnect_backoff_ms": 50,
  "grpc.min_reconnect_backoff_ms": 50,
  "grpc.max_reconnect_backoff_ms": 250,
  // Each service has a connection of its own: the renewal of a lease does not wait behind what is written and watched.
  "grpc.use_local_subchannel_pool": 1,
  "grpc.max_receive_message_length": -1,
  "grpc.max_send_message_length": -1,
};

/**
 * etcd3's stubs on channels that are left alone: a call that fails is handed back, and the channel connects again by itself. etcd3's own pool repeats committed transactions, opens a
 * breaker after one oversized value, and closes all channels of a host at each failure, also those on which other streams have just begun anew: such a stream lives on until the next
 * ping, 5.5 s later, fails then, and closes the others' in turn, for ever.
 */
export function etcdStubs({ address, tls }: EtcdStubsOptions): EtcdStubs {
  const nameOverride = tls?.serverName && { "grpc.ssl_target_name_override": tls.serverName };
  const host = new Host(address, credentialsOf(tls), { ...channelOptions, ...nameOverride });
  const callable = callableOf(host);
  return {
    kv: new KVClient(callable),
    lease: new LeaseClient(callable),
    watch: new WatchClient(callable),
    cluster: new ClusterClient(callable),
    maintenance: new MaintenanceClient(callable),
    close: () => host.close(),
  };
}

function credentialsOf(tls: EtcdTls | undefined): ChannelCredentials {
  if (tls === undefined) return ChannelCredentials.createInsecure();
  return ChannelCredentials.createSsl(Buffer.from(tls.ca), Buffer.from(tls.key), Buffer.from(tls.certificate));
}

function callableOf(host: Host): ICallable<Host> {
  return {
    callOptionsFactory: undefined,
    markFailed: () => undefined,
    withConnection: async (service, run) =>
      run({ resource: host, client: host.getServiceClient(service), metadata: new Metadata() }),
    exec: (service, method, request, options) =>
      new Promise((resolve, reject) => {
        const client = host.getServiceClient(service);
        const call: unknown = Reflect.get(client, method);
        if (typeof call !== "function") throw new TallshipError("internal", `etcd's ${service} has no ${method}`);
        const answered = (error: Error | null, response: never): void => {
          if (error === null) resolve(response);
          else reject(castGrpcError(error));
        };
        Reflect.apply(call, client, [request, new Metadata(), options ?? {}, answered]);
      }),
  };
}
