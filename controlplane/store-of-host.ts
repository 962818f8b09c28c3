import type { Clock } from "../lib/clock.js";
import { TallshipError } from "../lib/errors.js";
import type { HostConfig } from "../lib/host-config.js";
import type { HostPaths } from "../lib/host-paths.js";
import type { Log } from "../lib/log.js";
import type { Rng } from "../lib/rng.js";
import { ControlPlaneSecrets } from "../proto/gen/tallship/v1/session.js";
import type { Applicant, ClusterAuthority } from "./ca/cluster-authority.js";
import { openEmbeddedEtcd } from "./etcd/embedded-etcd.js";
import { outsideEtcd } from "./etcd/outside-etcd.js";
import { etcdStore } from "./store/etcd.js";
import type { Store } from "./store/store.js";

/** What a host's store is made of. */
export interface StoreOfHost {
  readonly host: HostConfig;
  readonly paths: HostPaths;
  readonly authority: ClusterAuthority;
  readonly sealKey: Uint8Array;
}

/** A store that answers, and what the control plane must do for others that join it. */
export interface OpenedStore {
  readonly store: Store;
  /** Ends with the signal; rejects when etcd cannot be run. */
  readonly ended: Promise<void>;
  readonly admit: (applicant: Applicant) => Promise<ControlPlaneSecrets>;
  /** Closes the connection, after the signal was aborted; an etcd of our own runs on. */
  close(): Promise<void>;
}

interface Edges {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Log;
}

/** The store that the host's configuration names: the control plane's own etcd member, started or adopted, or an etcd that others run. */
export function openStore(parts: StoreOfHost, edges: Edges, signal: AbortSignal): Promise<OpenedStore> {
  return parts.host.outsideEtcd === undefined ? openOwn(parts, edges, signal) : openOutside(parts, edges, signal);
}

async function openOwn(parts: StoreOfHost, edges: Edges, signal: AbortSignal): Promise<OpenedStore> {
  const { host, paths } = parts;
  const { etcdClient: clientPort, etcdPeer: peerPort } = host.ports;
  const etcd = await openEmbeddedEtcd({ directory: paths.etcd, binary: "etcd", clientPort, peerPort }, edges);
  const running = etcd.run(signal);
  running.catch(() => undefined);
  await Promise.race([etcd.ready(signal), running]);
  const store = etcdStore(etcd.address, edges);
  return {
    store,
    ended: running,
    admit: async ({ name, addresses: [address = ""] }) => {
      const { authority, initialCluster, endpoints } = await etcd.admit(
        { name, address, peerPort },
        host.advertiseAddress,
      );
      return secretsOf(parts, {
        etcdCa: Buffer.from(authority.certificatePem),
        etcdCaKey: Buffer.from(authority.keyPem),
        etcdInitialCluster: initialCluster,
        etcdEndpoints: endpoints,
        etcdMemberName: name,
      });
    },
    close: async () => {
      await store.close();
      await running;
    },
  };
}

async function openOutside(parts: StoreOfHost, edges: Edges, signal: AbortSignal): Promise<OpenedStore> {
  const { outsideEtcd: outside } = parts.host;
  if (outside === undefined) throw new TallshipError("internal", "broken promise: the host names its etcd");
  const store = etcdStore(outsideEtcd(outside.endpoints, outside.tls), edges);
  return {
    store,
    ended: new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true })),
    admit: async () => secretsOf(parts, { etcdEndpoints: outside.endpoints.split(",") }),
    close: () => store.close(),
  };
}

function secretsOf({ authority, sealKey }: StoreOfHost, etcd: Partial<ControlPlaneSecrets>): ControlPlaneSecrets {
  return ControlPlaneSecrets.fromPartial({
    ...etcd,
    caKey: Buffer.from(authority.keyPem),
    sealKey: Buffer.from(sealKey),
  });
}
