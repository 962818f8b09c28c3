import { expect, test } from "vitest";
import { deletionOf } from "../kinds/deletion.js";
import { metaOf } from "../kinds/object.js";
import { isDeleting, isPodActive, isPodReady } from "../kinds/pod-state.js";
import { rfc3339 } from "../lib/clock.js";
import { Deployment } from "../proto/gen/tallship/v1/deployment.js";
import { Pod } from "../proto/gen/tallship/v1/pod.js";
import { Service } from "../proto/gen/tallship/v1/service.js";
import type { ControlWorld } from "../test/kit/control-world.js";
import { FakeReports } from "../test/kit/fake-reports.js";
import { FakeUsage } from "../test/kit/fake-usage.js";
import { TEST_CLUSTER } from "../test/kit/test-cluster.js";
import { worldOfTest } from "../test/kit/world-of-test.js";
import { lead } from "./leading.js";
import { META } from "./store/keys.js";
import { Sealer } from "./store/seal.js";
import type { Guard } from "./store/store.js";

/** A leader, nodes that beat, and agents that do in no time what they are asked. */
class Cluster {
  readonly world: ControlWorld;
  readonly reports: FakeReports;
  /** The first leader's. */
  readonly term = new AbortController();
  private readonly alive = new Set<string>();
  private addresses = 0;

  private constructor(world: ControlWorld) {
    this.world = world;
    this.reports = new FakeReports(world.clock);
  }

  static async start(names: readonly string[]): Promise<Cluster> {
    const world = await worldOfTest();
    const cluster = new Cluster(world);
    void cluster.lead(world.guard, cluster.term);
    for (const name of names) cluster.join(name);
    await cluster.pass(1_000);
    return cluster;
  }

  lead(guard: Guard, term: AbortController): Promise<void> {
    const { world, reports } = this;
    world.stop.signal.addEventListener("abort", () => term.abort());
    const resign = async (): Promise<void> => term.abort();
    const sealer = new Sealer(new Uint8Array(32));
    return lead(
      {
        ...world.deps,
        ownName: "control",
        store: world.store,
        reports,
        cluster: TEST_CLUSTER,
        usage: new FakeUsage(),
        sessions: { tellPolicies: () => undefined },
        sealer,
      },
      { guard, lost: term.signal, resign },
    );
  }

  join(name: string): void {
    this.alive.add(name);
    this.reports.say(name);
  }

  kill(...names: readonly string[]): void {
    for (const name of names) this.alive.delete(name);
    this.reports.kill(...names);
  }

  /** Time passes; the agents act four times a second. */
  async pass(ms: number): Promise<void> {
    for (let passedMs = 0; passedMs < ms; passedMs += 250) {
      for (const { object } of this.world.view.list("Pod")) await this.serve(object);
      await this.reports.pass(Math.min(250, ms - passedMs));
    }
  }

  private async serve(pod: Pod): Promise<void> {
    const nodeName = pod.spec?.nodeName ?? "";
    if (!this.alive.has(nodeName)) return;
    const { name, namespace } = metaOf(pod);
    if (isDeleting(pod)) await this.world.drop({ kind: "Pod", namespace, name });
    else if (pod.status?.phase !== "Running") {
      this.addresses += 1;
      const at = rfc3339(this.world.clock.nowMs());
      const podIP = pod.status?.podIP || `10.128.${this.addresses >> 8}.${this.addresses & 255}`;
      const conditions = [{ type: "Ready", status: "True", lastTransitionTime: at }];
      await this.world.put({
        kind: "Pod",
        object: Pod.fromPartial({ ...pod, status: { ...pod.status, phase: "Running", podIP, conditions } }),
      });
    }
  }
}

function deploymentOf(replicas: number, image = "web:1"): Deployment {
  return Deployment.fromPartial({
    metadata: { name: "web", namespace: "default", uid: "web-uid", generation: 1 },
    spec: {
      replicas,
      selector: { matchLabels: { app: "web" } },
      template: { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "main", image }] } },
    },
  });
}

async function apply(cluster: Cluster, replicas: number): Promise<void> {
  const { world } = cluster;
  const metadata = { name: "web", namespace: "default", uid: "service-uid" };
  const spec = { selector: { app: "web" }, type: "ClusterIP", ports: [{ port: 80, protocol: "TCP" }] };
  await world.put({ kind: "Service", object: Service.fromPartial({ metadata, spec }) });
  await world.put({ kind: "Deployment", object: deploymentOf(replicas) });
}

const pods = ({ world }: Cluster): readonly Pod[] => world.view.list("Pod").map(({ object }) => object);
const running = (cluster: Cluster): readonly Pod[] =>
  pods(cluster).filter((pod) => isPodActive(pod) && isPodReady(pod));
const perNode = (cluster: Cluster): Readonly<Record<string, number>> => {
  const counts: Record<string, number> = {};
  for (const pod of running(cluster)) counts[pod.spec?.nodeName ?? ""] = (counts[pod.spec?.nodeName ?? ""] ?? 0) + 1;
  return counts;
};
const endpointsOn = ({ world }: Cluster, nodeName?: string): number =>
  world.view
    .list("EndpointSlice")
    .flatMap(({ object }) => object.endpoints)
    .filter((endpoint) => endpoint.conditions?.ready === true && (nodeName ?? endpoint.nodeName) === endpoint.nodeName)
    .length;

test("a deployment and a service become running pods on all nodes, and endpoints", async () => {
  const cluster = await Cluster.start(["a", "b", "c"]);
  await apply(cluster, 6);
  await cluster.pass(1_000);
  expect(perNode(cluster)).toEqual({ a: 2, b: 2, c: 2 });
  expect(endpointsOn(cluster)).toBe(6);
});

test("a node that loses its power: endpoints gone within 3 s, pods running elsewhere within 6 s, and none twice once it is back", async () => {
  const cluster = await Cluster.start(["a", "b", "c"]);
  await apply(cluster, 6);
  await cluster.pass(1_000);
  cluster.kill("a");
  await cluster.pass(3_000);
  expect([endpointsOn(cluster, "a"), endpointsOn(cluster)]).toEqual([0, 4]);
  expect(perNode(cluster)).toEqual({ b: 2, c: 2 });
  await cluster.pass(3_000);
  expect(perNode(cluster)).toEqual({ b: 3, c: 3 });
  expect(endpointsOn(cluster)).toBe(6);
  cluster.join("a");
  await cluster.pass(2_000);
  expect(perNode(cluster)).toEqual({ b: 3, c: 3 });
  expect(pods(cluster)).toHaveLength(6);
});

test("a short cut moves nothing", async () => {
  const cluster = await Cluster.start(["a", "b", "c"]);
  await apply(cluster, 6);
  await cluster.pass(1_000);
  const before = running(cluster).map((pod) => metaOf(pod).uid);
  cluster.kill("a");
  await cluster.pass(3_500);
  expect(endpointsOn(cluster, "a")).toBe(0);
  cluster.join("a");
  await cluster.pass(1_000);
  expect(running(cluster).map((pod) => metaOf(pod).uid)).toEqual(before);
  expect(endpointsOn(cluster)).toBe(6);
});

test("two of three nodes vanish: nothing moves and no endpoint is withdrawn, and all is well when they are back", async () => {
  const cluster = await Cluster.start(["a", "b", "c"]);
  await apply(cluster, 6);
  await cluster.pass(1_000);
  const before = pods(cluster).map((pod) => metaOf(pod).uid);
  cluster.kill("a", "b");
  await cluster.pass(30_000);
  expect(endpointsOn(cluster)).toBe(6);
  cluster.join("a");
  cluster.join("b");
  await cluster.pass(1_000);
  expect(running(cluster).map((pod) => metaOf(pod).uid)).toEqual(before);
});

test("what is deleted is gone from the nodes, and what it owned with it", async () => {
  const cluster = await Cluster.start(["a", "b"]);
  await apply(cluster, 5);
  await cluster.pass(1_000);
  const { world } = cluster;
  const typed = {
    kind: "Deployment",
    object: world.view.get("Deployment", "default", "web") ?? deploymentOf(5),
  } as const;
  expect(deletionOf(typed, { nowMs: 0 }).is).toBe("remove");
  await world.drop({ kind: "Deployment", namespace: "default", name: "web" });
  await cluster.pass(1_000);
  expect([pods(cluster), world.view.list("ReplicaSet")]).toEqual([[], []]);
  expect(endpointsOn(cluster)).toBe(0);
});

/** Another replica is elected: its guard. */
async function elect({ world }: Cluster): Promise<Guard> {
  const key = META.leader;
  await world.store.transact({ checks: [], writes: [{ op: "delete", key }] });
  await world.store.transact({ checks: [], writes: [{ op: "put", key, value: new Uint8Array() }] });
  return { key, createRevision: (await world.store.get(key))?.createRevision ?? 0 };
}

test("a deposed leader writes nothing more and gives up; the next one goes on where it stood", async () => {
  const cluster = await Cluster.start(["a", "b"]);
  await apply(cluster, 4);
  await cluster.pass(1_000);
  const guard = await elect(cluster);
  await cluster.world.edit("Deployment", "web", () => deploymentOf(8, "web:2"));
  await cluster.pass(1_000);
  expect(cluster.world.view.list("ReplicaSet")).toHaveLength(1);
  expect(cluster.term.signal.aborted).toBe(true);
  void cluster.lead(guard, new AbortController());
  await cluster.pass(5_000);
  expect(running(cluster)).toHaveLength(8);
  expect(new Set(running(cluster).map((pod) => pod.spec?.containers[0]?.image))).toEqual(new Set(["web:2"]));
});

test("lead ends when leadership is lost, and nothing is written after", async () => {
  const cluster = await Cluster.start(["a"]);
  const term = new AbortController();
  const ended = cluster.lead(await elect(cluster), term);
  await cluster.pass(1_000);
  term.abort();
  await ended;
  const { revision } = cluster.world.view;
  await apply(cluster, 1);
  await cluster.pass(1_000);
  expect(cluster.world.view.revision).toBe(revision + 2);
});

test("a replica that is deposed before its cache has caught up never leads", async () => {
  const cluster = await Cluster.start([]);
  const term = new AbortController();
  const ended = cluster.lead({ key: META.leader, createRevision: 1_000_000 }, term);
  await cluster.pass(3_000);
  term.abort();
  await ended;
  expect(cluster.term.signal.aborted).toBe(false);
});
