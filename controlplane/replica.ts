import type { Clock } from "../lib/clock.js";
import { hasCode } from "../lib/errors.js";
import { hostPort } from "../lib/host-port.js";
import type { Log } from "../lib/log.js";
import type { Rng } from "../lib/rng.js";
import { type Binding, bind, type Dialer } from "../lib/transport/service.js";
import { ClusterDefinition, ObjectsDefinition } from "../proto/gen/tallship/v1/api.js";
import { ExplainDefinition } from "../proto/gen/tallship/v1/explain.js";
import { ImagesDefinition } from "../proto/gen/tallship/v1/images.js";
import type { LeaderRecord } from "../proto/gen/tallship/v1/record.js";
import {
  type ClusterConfig,
  type ControlPlaneSecrets,
  JoinDefinition,
  NodesDefinition,
  ReplicasDefinition,
} from "../proto/gen/tallship/v1/session.js";
import { StreamsDefinition } from "../proto/gen/tallship/v1/streams.js";
import { authorizeCalls } from "./api/authorize.js";
import { ensureSystemObjects } from "./api/bootstrap.js";
import { objectsService } from "./api/objects.js";
import type { ObjectsDeps } from "./api/objects-deps.js";
import { WatchHub } from "./api/watch/watch-hub.js";
import type { Applicant, ClusterAuthority } from "./ca/cluster-authority.js";
import { clusterService } from "./ca/cluster-service.js";
import { joinService } from "./ca/join-service.js";
import type { WatchCache } from "./cache/view.js";
import { startWatchCache } from "./cache/watch-cache.js";
import type { EventSink } from "./events/event-sink.js";
import { EventWriter } from "./events/event-writer.js";
import { explainService } from "./explain/explain-service.js";
import { imagesService } from "./images/images-service.js";
import { lead } from "./leading.js";
import type { ControlPlaneMetrics } from "./metrics.js";
import { replicaAddresses } from "./replica-addresses.js";
import { DepartedPods } from "./sessions/departed-pods.js";
import { LeaderClient, replicasService } from "./sessions/leader-client.js";
import { nodesService } from "./sessions/nodes-service.js";
import { SessionHub } from "./sessions/session-hub.js";
import { StreamBroker } from "./sessions/stream-broker.js";
import { streamsService } from "./sessions/streams-service.js";
import { Election } from "./store/election.js";
import { ensureEpoch } from "./store/epoch.js";
import { measuredStore } from "./store/measured-store.js";
import { announceReplica } from "./store/replicas.js";
import type { Sealer } from "./store/seal.js";
import { sealedStore } from "./store/sealed-store.js";
import type { Store } from "./store/store.js";

/** The edges of a replica; the simulator passes its own. */
export interface ReplicaEdges {
  readonly store: Store;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Log;
  /** Dials other replicas, as a control plane. */
  readonly dialer: Dialer;
  readonly metrics: ControlPlaneMetrics;
}

/** Who a replica is, and what it was told at init or join. */
export interface ReplicaConfig {
  readonly id: string;
  /** Its API address, host:port. */
  readonly address: string;
  readonly joinPort: number;
  readonly cluster: ClusterConfig;
  readonly authority: ClusterAuthority;
  readonly sealer: Sealer;
  /** Makes room for another control plane; tells what only control planes hold, but for what the replica knows itself. */
  readonly admitControlPlane: (applicant: Applicant) => Promise<ControlPlaneSecrets>;
}

/** A replica that serves. */
export interface Replica {
  /** For the API's listener, client certificates required. */
  readonly bindings: readonly Binding[];
  /** For the join listener, without client certificates. */
  readonly joinBindings: readonly Binding[];
  readonly leader: () => LeaderRecord | undefined;
  /** Brings the metrics that count what is open up to date. */
  readonly refreshMetrics: () => void;
  /** Resolves when the replica has ended, leadership and announcement given back. Rejects when it cannot go on and must start anew. */
  readonly ended: Promise<void>;
}

/** Everything of a control plane that is not an edge: reads the store, serves, campaigns, and leads while it is elected. Ends when the signal aborts. */
export async function startReplica(edges: ReplicaEdges, config: ReplicaConfig, signal: AbortSignal): Promise<Replica> {
  const { clock, rng, log } = edges;
  const clusterEpoch = await ensureEpoch(edges.store, clock, rng);
  const { storeCallSeconds } = edges.metrics;
  const measured = measuredStore(edges.store, clock, (operation, result, tookMs) =>
    storeCallSeconds.observe({ operation, result }, tookMs / 1_000),
  );
  const store = sealedStore(measured, config.sealer, rng);
  const { cache, ended: cacheEnded } = await startWatchCache(
    { store, clock, rng, log, clusterEpoch, metrics: edges.metrics },
    signal,
  );
  const follow = { store, clock, rng, log };
  const self = { id: config.id, address: config.address };
  const election = new Election(follow, self);
  const leading: { record: LeaderRecord | undefined } = { record: undefined };
  const addresses = replicaAddresses(store, clock, config.address);
  const events = new EventWriter({
    store,
    view: cache.view,
    clock,
    rng,
    log,
    onWritten: (count) => edges.metrics.eventsWrittenTotal.inc(count),
    onDropped: (reason, count) => edges.metrics.eventsDroppedTotal.inc({ reason }, count),
  });
  const hub = new SessionHub({
    cache,
    events,
    clock,
    log,
    leaderAddress: () => leading.record?.address ?? "",
    controlPlaneAddresses: addresses,
  });
  const leader = (): LeaderRecord | undefined => leading.record;
  const client = new LeaderClient({ ownId: config.id, leader, hub, dialer: edges.dialer });
  const broker = new StreamBroker({
    clock,
    rng,
    ownAddress: config.address,
    askLeader: (request, until) => client.requestStream(request, until),
  });
  const watches = new WatchHub(cache, clock, () => edges.metrics.apiWatchesCutTotal.inc());
  const parts = { edges, config, store, cache, hub, watches, broker, client, addresses, leader, clusterEpoch };
  await ensureSystemObjects(objectsDeps(parts), signal);
  const observing = observe(election, signal, (record) => {
    leading.record = record;
  });
  const campaigning = campaign({ ...edges, ...parts, events }, election, signal);
  const announcing = announceReplica(follow, self, signal);
  const forgetting = events.removeExpired(signal);
  const ended = Promise.race([
    cacheEnded,
    Promise.all([observing, campaigning, announcing, forgetting]).then(() => client.close()),
  ]);
  ended.catch(() => undefined);
  const refreshMetrics = (): void => {
    edges.metrics.nodeSessions.set(hub.sessionCount);
    edges.metrics.apiWatches.set(watches.size);
  };
  return { bindings: bindingsOf(parts), joinBindings: joinBindingsOf(parts), leader, refreshMetrics, ended };
}

interface Parts {
  readonly edges: ReplicaEdges;
  readonly config: ReplicaConfig;
  readonly store: Store;
  readonly cache: WatchCache;
  readonly hub: SessionHub;
  readonly watches: WatchHub;
  readonly broker: StreamBroker;
  readonly client: LeaderClient;
  readonly addresses: () => Promise<readonly string[]>;
  readonly leader: () => LeaderRecord | undefined;
  readonly clusterEpoch: string;
}

async function observe(
  election: Election,
  signal: AbortSignal,
  onLeader: (record: LeaderRecord | undefined) => void,
): Promise<void> {
  for await (const leader of election.observe(signal)) onLeader(leader?.record);
}

/** Campaigns, leads while elected, and again; gives leadership back when the signal aborts. */
async function campaign(
  parts: Parts & Omit<ReplicaEdges, "store"> & { readonly events: EventSink },
  election: Election,
  signal: AbortSignal,
): Promise<void> {
  const { hub, cache, config } = parts;
  while (!signal.aborted) {
    const leadership = await election.campaign(signal).catch((error: unknown) => {
      if (hasCode(error, "cancelled")) return undefined;
      throw error;
    });
    if (leadership === undefined) return;
    const resign = (): void => void leadership.resign();
    signal.addEventListener("abort", resign, { once: true });
    hub.lead(leadership.lost);
    await lead(
      {
        ...parts,
        ownName: config.id,
        cache,
        reports: hub,
        usage: hub.usage,
        sessions: hub,
        holdings: hub.content.holdings,
        cluster: config.cluster,
        sealer: config.sealer,
      },
      leadership,
    );
    signal.removeEventListener("abort", resign);
    await leadership.resign();
  }
}

function objectsDeps({ edges, config, store, cache, watches }: Parts): ObjectsDeps {
  const { clock, rng } = edges;
  return { store, cache, clock, rng, sealer: config.sealer, ranges: config.cluster, hub: watches };
}

function bindingsOf(parts: Parts): readonly Binding[] {
  const { edges, config, store, cache, hub, broker, client, addresses, leader, clusterEpoch } = parts;
  const { clock, rng, log } = edges;
  const { authority } = config;
  const objects = objectsService(objectsDeps(parts));
  const clusterHandlers = clusterService({
    store,
    clock,
    rng,
    log,
    clusterEpoch,
    caPem: authority.certificatePem,
    leaderAddress: () => leader()?.address ?? "",
    controlPlaneAddresses: addresses,
    joinAddresses: async () => (await addresses()).map((address) => withPort(address, config.joinPort)),
  });
  const { view } = cache;
  const departed = new DepartedPods(clock);
  cache.subscribe((batch) => departed.take(batch));
  return [
    bind(ObjectsDefinition, objects, authorizeCalls("Objects")),
    bind(ClusterDefinition, clusterHandlers, authorizeCalls("Cluster")),
    bind(
      ExplainDefinition,
      explainService({
        ...objectsDeps(parts),
        holdings: hub.content.holdings,
        usage: (until) => parts.client.usage(until),
        network: (until) => parts.client.network(until),
      }),
      authorizeCalls("Explain"),
    ),
    bind(NodesDefinition, nodesService({ hub, broker, authority, view }), authorizeCalls("Nodes")),
    bind(ReplicasDefinition, replicasService(hub), authorizeCalls("Replicas")),
    bind(StreamsDefinition, streamsService({ view, broker, departed, clock }), authorizeCalls("Streams")),
    bind(
      ImagesDefinition,
      imagesService({ view, broker, objects, findHolders: (request, signal) => client.findHolders(request, signal) }),
      authorizeCalls("Images"),
    ),
  ];
}

function joinBindingsOf({ edges, config, store, cache, addresses, clusterEpoch }: Parts): readonly Binding[] {
  const handlers = joinService({
    store,
    clock: edges.clock,
    rng: edges.rng,
    log: edges.log,
    authority: config.authority,
    view: cache.view,
    config: async () => ({ ...config.cluster, clusterEpoch, controlPlaneAddresses: await addresses() }),
    admitControlPlane: config.admitControlPlane,
  });
  return [bind(JoinDefinition, handlers, authorizeCalls("Join"))];
}

/** Every replica of a cluster has its join listener on the same port. */
function withPort(address: string, port: number): string {
  const host = address.slice(0, address.lastIndexOf(":")).replace(/^\[|\]$/g, "");
  return hostPort(host, port);
}
