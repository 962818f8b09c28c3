// Edge: the control plane's composition root.
import { readFile } from "node:fs/promises";
import { COMMIT, VERSION } from "../lib/build-info.js";
import { TallshipError } from "../lib/errors.js";
import { type HostConfig, readClusterConfig, readHostConfig } from "../lib/host-config.js";
import type { HostPaths } from "../lib/host-paths.js";
import { hostPort } from "../lib/host-port.js";
import { limit } from "../lib/limits.js";
import type { Log } from "../lib/log.js";
import { metricsHandler, startLocalMetrics } from "../lib/metrics-endpoint.js";
import { readCertificate } from "../lib/pki/read.js";
import { sharedAbort, sharedAny } from "../lib/shared-abort.js";
import { systemClock } from "../lib/system-clock.js";
import { systemRng } from "../lib/system-rng.js";
import type { CredentialSource } from "../lib/transport/credentials.js";
import { grpcDialer } from "../lib/transport/grpc-dialer.js";
import { type GrpcServerOptions, startGrpcServer } from "../lib/transport/grpc-server.js";
import type { TransportServer } from "../lib/transport/service.js";
import type { ClusterConfig } from "../proto/gen/tallship/v1/session.js";
import { ClusterAuthority } from "./ca/cluster-authority.js";
import { type ControlPlaneMetrics, controlPlaneMetrics } from "./metrics.js";
import { ownCredentials } from "./own-credentials.js";
import { type Replica, startReplica } from "./replica.js";
import { refreshNodePair } from "./setup/init.js";
import { Sealer } from "./store/seal.js";
import { openStore } from "./store-of-host.js";

/** What a control plane is started with. */
export interface ControlPlaneOptions {
  readonly paths: HostPaths;
  readonly log: Log;
}

const edges = { clock: systemClock, rng: systemRng };

/**
 * Runs a control plane from what init or join left on this host, until the signal aborts: then streams are told, leadership is given back, and etcd runs on.
 * Rejects when it cannot go on; whoever started it starts it again.
 */
export async function runControlPlane({ paths, log }: ControlPlaneOptions, signal: AbortSignal): Promise<void> {
  const own = await readOwnFiles(paths);
  const stop = sharedAbort();
  try {
    await runUntil({ ...own, paths, log }, sharedAny([signal, stop.signal]), stop);
  } finally {
    stop.abort();
  }
}

/** `stop` aborts the signal: what was started must end before it is closed, also after a failure. */
async function runUntil(
  parts: OwnFiles & ControlPlaneOptions,
  signal: AbortSignal,
  stop: AbortController,
): Promise<void> {
  const { host, cluster, authority, sealer, log } = parts;
  await refreshNodePair(parts.paths, authority, host, systemClock.nowMs());
  const metrics = controlPlaneMetrics();
  describeBuild(metrics, authority);
  const applicant = {
    name: host.name,
    role: "control-plane",
    addresses: [host.advertiseAddress, "127.0.0.1"],
  } as const;
  const onExpiry = (atMs: number): void => metrics.certificateExpirySeconds.set({ certificate: "own" }, atMs / 1_000);
  const credentials = ownCredentials(authority, applicant, { ...edges, log, onExpiry }, signal);
  const opened = await openStore(parts, { ...edges, log }, signal);
  const dialer = grpcDialer({ credentials, serverRole: "control-plane", clock: systemClock });
  try {
    const config = {
      id: host.name,
      address: hostPort(host.advertiseAddress, host.ports.api),
      joinPort: host.ports.join,
      cluster,
      authority,
      sealer,
      admitControlPlane: opened.admit,
    };
    const replica = await startReplica({ ...edges, log, metrics, store: opened.store, dialer }, config, signal);
    await serve({ host, replica, credentials, metrics, log }, signal, [opened.ended, replica.ended]);
  } finally {
    stop.abort();
    await opened.close();
  }
}

/** Serves until the signal aborts or something fails; then takes leave in order. */
async function serve(parts: Serving, signal: AbortSignal, ended: readonly Promise<void>[]): Promise<void> {
  const servers = await startServers(parts);
  const { log, host } = parts;
  log.info("serving", { name: host.name, address: hostPort(host.advertiseAddress, host.ports.api), version: VERSION });
  try {
    await Promise.race([aborted(signal), ...ended]);
    if (!signal.aborted) throw new TallshipError("internal", "a part of the control plane ended by itself");
    log.info("stopping");
  } finally {
    await Promise.all(servers.map((server) => server.close(limit("shutdownGraceMs"))));
  }
  await parts.replica.ended;
  log.info("stopped");
}

interface Serving {
  readonly host: HostConfig;
  readonly replica: Replica;
  readonly credentials: CredentialSource;
  readonly metrics: ControlPlaneMetrics;
  readonly log: Log;
}

async function startServers(parts: Serving): Promise<readonly Pick<TransportServer, "close">[]> {
  const { host, replica, credentials, metrics, log } = parts;
  const anyAddress = host.advertiseAddress.includes(":") ? "::" : "0.0.0.0";
  const observe: GrpcServerOptions["observe"] = ({ path, isStream, role, code, tookMs }) => {
    const method = path.slice(path.lastIndexOf(".") + 1);
    metrics.apiCallsTotal.inc({ method, role, code: code ?? "ok" });
    if (!isStream) metrics.apiCallSeconds.observe({ method }, tookMs / 1_000);
  };
  const shared = { host: anyAddress, credentials, clock: systemClock, log, observe };
  const { api, join, web } = host.ports;
  const source = { registry: metrics.registry, refresh: replica.refreshMetrics };
  const local = await startLocalMetrics(source, web);
  const onHttp = metricsHandler(source);
  return [
    await startGrpcServer({ ...shared, port: api, bindings: replica.bindings, clientCertificates: "required" }),
    await startGrpcServer({ ...shared, port: join, bindings: replica.joinBindings, clientCertificates: "none" }),
    ...(host.advertiseAddress === "127.0.0.1"
      ? []
      : [
          await startGrpcServer({
            ...shared,
            host: host.advertiseAddress,
            port: web,
            bindings: [],
            clientCertificates: "required",
            onHttp,
          }),
        ]),
    { close: async () => local.close() },
  ];
}

interface OwnFiles {
  readonly host: HostConfig;
  readonly cluster: ClusterConfig;
  readonly authority: ClusterAuthority;
  readonly sealKey: Uint8Array;
  readonly sealer: Sealer;
}

async function readOwnFiles(paths: HostPaths): Promise<OwnFiles> {
  const [host, cluster] = await Promise.all([readHostConfig(paths), readClusterConfig(paths)]);
  if (host === undefined || cluster === undefined)
    throw new TallshipError(
      "failed_precondition",
      `${paths.configDir} holds no cluster: run tallshipd init or tallshipd join`,
    );
  if (!host.isControlPlane)
    throw new TallshipError(
      "failed_precondition",
      `${host.name} is no control plane: join with a token of role control-plane`,
    );
  const [certificatePem, keyPem, sealKey] = await Promise.all([
    readFile(paths.ca, "utf8"),
    readFile(paths.caKey, "utf8"),
    readFile(paths.sealKey),
  ]);
  const authority = new ClusterAuthority({ certificatePem, keyPem }, edges);
  return { host, cluster, authority, sealKey, sealer: new Sealer(sealKey) };
}

function describeBuild(metrics: ControlPlaneMetrics, authority: ClusterAuthority): void {
  metrics.buildInfo.set({ version: VERSION, commit: COMMIT }, 1);
  const { notAfterMs } = readCertificate(authority.certificatePem);
  metrics.certificateExpirySeconds.set({ certificate: "authority" }, notAfterMs / 1_000);
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
