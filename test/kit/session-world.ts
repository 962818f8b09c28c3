import { authorizeCalls } from "../../controlplane/api/authorize.js";
import { ClusterAuthority } from "../../controlplane/ca/cluster-authority.js";
import type { View } from "../../controlplane/cache/view.js";
import { startWatchCache } from "../../controlplane/cache/watch-cache.js";
import type { Notice } from "../../controlplane/events/notice.js";
import { imagesService } from "../../controlplane/images/images-service.js";
import { DepartedPods } from "../../controlplane/sessions/departed-pods.js";
import { LeaderClient, replicasService } from "../../controlplane/sessions/leader-client.js";
import { nodesService } from "../../controlplane/sessions/nodes-service.js";
import { SessionHub } from "../../controlplane/sessions/session-hub.js";
import { StreamBroker } from "../../controlplane/sessions/stream-broker.js";
import { streamsService } from "../../controlplane/sessions/streams-service.js";
import { MemoryStore } from "../../controlplane/store/memory.js";
import { MemoryEtcd } from "../../controlplane/store/memory-etcd.js";
import { decodeObject, encodeObject, keyOf, metaOf, storeKey, type Typed } from "../../kinds/object.js";
import { TallshipError } from "../../lib/errors.js";
import { silentLog } from "../../lib/log.js";
import { seededRng } from "../../lib/rng.js";
import { memoryNetwork } from "../../lib/transport/memory.js";
import { bind, type Dialer, type Handlers, type Identity } from "../../lib/transport/service.js";
import { Item, type ObjectsDefinition } from "../../proto/gen/tallship/v1/api.js";
import { ImagesDefinition } from "../../proto/gen/tallship/v1/images.js";
import { Node } from "../../proto/gen/tallship/v1/node.js";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { NodesDefinition, ReplicasDefinition } from "../../proto/gen/tallship/v1/session.js";
import { StreamsDefinition } from "../../proto/gen/tallship/v1/streams.js";
import { ManualClock } from "./manual-clock.js";
import { testAuthority } from "./test-authority.js";

/** A replica's part that concerns nodes, in memory. */
export interface SessionReplica {
  readonly id: string;
  readonly hub: SessionHub;
  readonly view: View;
  readonly notices: readonly { readonly notice: Notice; readonly host: string }[];
  /** Makes it the leader; the signal ends that. */
  lead(): AbortController;
  close(): void;
}

/** Control planes without API and controllers, on one store and one network; the test plays the nodes. */
export function sessionWorld() {
  const clock = new ManualClock();
  const etcd = new MemoryEtcd();
  const store = new MemoryStore(clock, etcd);
  const network = memoryNetwork(clock);
  const keys = testAuthority();
  let leader: { id: string; address: string } | undefined;
  let addresses: readonly string[] = ["a:7443", "b:7443"];

  const put = async (typed: Typed): Promise<void> => {
    const key = storeKey(keyOf(typed));
    await store.transact({ checks: [], writes: [{ op: "put", key, value: encodeObject(typed) }] });
    await clock.advance(0);
  };

  const write = async (object: Uint8Array): Promise<Item> => {
    const key = storeKey(keyOf(decodeObject(object)));
    await store.transact({ checks: [], writes: [{ op: "put", key, value: object }] });
    return Item.fromPartial({});
  };
  const names = new Set<string>();
  const objects: Pick<Handlers<typeof ObjectsDefinition>, "create" | "update" | "delete"> = {
    create: async ({ object }) => {
      const { name } = metaOf(decodeObject(object).object);
      if (names.has(name)) throw new TallshipError("already_exists", name);
      names.add(name);
      return write(object);
    },
    update: ({ object }) => write(object),
    delete: async ({ name }) => {
      const key = storeKey({ kind: "Image", namespace: "", name: name?.name ?? "" });
      await store.transact({ checks: [], writes: [{ op: "delete", key }] });
      return Item.fromPartial({});
    },
  };

  const startReplica = async (id: string): Promise<SessionReplica> => {
    const address = `${id}:7443`;
    const rng = seededRng(id.length);
    const stop = new AbortController();
    const deps = { store: new MemoryStore(clock, etcd), clock, rng, log: silentLog, clusterEpoch: "epoch-1" };
    const { cache } = await startWatchCache(deps, stop.signal);
    const notices: { notice: Notice; host: string }[] = [];
    const hub = new SessionHub({
      cache,
      events: { record: (notice, { host }) => notices.push({ notice, host }) },
      clock,
      log: silentLog,
      leaderAddress: () => leader?.address ?? "",
      controlPlaneAddresses: async () => addresses,
    });
    const dialer = network.dialer({ name: id, role: "control-plane" });
    const client = new LeaderClient({ ownId: id, leader: () => leader, hub, dialer });
    const askLeader: LeaderClient["requestStream"] = (request, signal) => client.requestStream(request, signal);
    const broker = new StreamBroker({ clock, rng, ownAddress: address, askLeader });
    const authority = new ClusterAuthority(keys, { clock, rng });
    const departed = new DepartedPods(clock);
    cache.subscribe((batch) => departed.take(batch));
    const server = network.serve(address, [
      bind(NodesDefinition, nodesService({ hub, broker, authority, view: cache.view }), authorizeCalls("Nodes")),
      bind(ReplicasDefinition, replicasService(hub), authorizeCalls("Replicas")),
      bind(
        ImagesDefinition,
        imagesService({
          ...{ view: cache.view, broker, objects },
          findHolders: (request, signal) => client.findHolders(request, signal),
        }),
        authorizeCalls("Images"),
      ),
      bind(StreamsDefinition, streamsService({ view: cache.view, broker, departed, clock }), authorizeCalls("Streams")),
    ]);
    return {
      id,
      hub,
      notices,
      view: cache.view,
      lead: () => {
        leader = { id, address };
        const lost = new AbortController();
        hub.lead(lost.signal);
        return lost;
      },
      close: () => {
        stop.abort();
        server.close();
      },
    };
  };

  return {
    clock,
    put,
    startReplica,
    setControlPlanes: (next: readonly string[]) => {
      addresses = next;
    },
    setLeader: (next: typeof leader) => {
      leader = next;
    },
    dialer: (identity: Identity): Dialer => network.dialer(identity),
    putNode: (name: string, ready: "True" | "False" | "Unknown" = "True") =>
      put({
        kind: "Node",
        object: Node.fromPartial({
          metadata: { name, uid: name },
          spec: { podCIDR: "10.128.0.0/22", podCIDRs: ["10.128.0.0/22"] },
          status: { conditions: [{ type: "Ready", status: ready }] },
        }),
      }),
    putPod: (name: string, nodeName: string, containers: readonly string[] = ["main"]) =>
      put({
        kind: "Pod",
        object: Pod.fromPartial({
          metadata: { name, namespace: "default", uid: `uid-${name}` },
          spec: { nodeName, containers: containers.map((container) => ({ name: container })) },
        }),
      }),
  };
}
