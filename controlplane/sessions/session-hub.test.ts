import { describe, expect, test } from "vitest";
import { LIMITS } from "../../lib/limits.js";
import { Event } from "../../proto/gen/tallship/v1/event.js";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { Heartbeat } from "../../proto/gen/tallship/v1/session.js";
import { FakeNode } from "../../test/kit/fake-node.js";
import { sessionWorld } from "../../test/kit/session-world.js";

async function leadingWorld() {
  const world = sessionWorld();
  const a = await world.startReplica("a");
  const lost = a.lead();
  const connect = (name: string, address = "a:7443") => new FakeNode(world.dialer({ name, role: "node" }), address);
  const settle = () => world.clock.advance(LIMITS.cutOverGatherMs.value);
  return { ...world, a, lost, connect, settle };
}

describe("a session", () => {
  test("is welcomed once the node object has a pod subnet, and is reported before", async () => {
    const { a, connect, settle, putNode } = await leadingWorld();
    const changes: string[] = [];
    a.hub.onChange((name) => changes.push(name));
    const node = connect("n1");
    node.hello();
    node.heartbeat();
    await settle();
    expect(node.received).toEqual([]);
    expect(a.hub.get("n1")).toMatchObject({ isConnected: true, bootID: "boot-1" });
    expect(changes).toEqual(["n1"]);
    await putNode("n1");
    await settle();
    expect(node.got("welcome")).toMatchObject([
      {
        clusterEpoch: "epoch-1",
        heartbeatMs: 500,
        podCIDRs: ["10.128.0.0/22"],
        controlPlaneAddresses: ["a:7443", "b:7443"],
      },
    ]);
  });

  test("acknowledges heartbeats and knows when the node was heard last", async () => {
    const { a, clock, connect, settle, putNode } = await leadingWorld();
    await putNode("n1");
    const node = connect("n1");
    node.hello();
    await clock.advance(500);
    const changes: string[] = [];
    a.hub.onChange((name) => changes.push(name));
    node.heartbeat();
    await settle();
    expect(node.got("ack").at(-1)).toEqual({ sequence: 1 });
    expect(a.hub.get("n1")?.heardAtMs).toBe(500);
    expect(changes).toEqual([]);
    node.heartbeat(0, [{ type: "DiskPressure", status: "True" }]);
    await settle();
    expect(changes).toEqual(["n1"]);
    expect(a.hub.get("n1")?.status.conditions).toMatchObject([{ type: "DiskPressure", status: "True" }]);
  });

  test("is told how often to beat, anew when there are many more nodes, and is judged by what it says", async () => {
    const { a, connect, settle, putNode } = await leadingWorld();
    await putNode("n1");
    const node = connect("n1");
    node.hello();
    await settle();
    for (let at = 0; at < 1_000; at += 1) await putNode(`other-${at}`, "Unknown");
    await settle();
    expect(node.got("heartbeats")).toEqual([{ everyMs: 750 }]);
    expect(a.hub.get("n1")?.everyMs).toBe(500);
    node.send({ $case: "heartbeat", value: { ...Heartbeat.fromPartial({ sequence: 1 }), everyMs: 750 } });
    await settle();
    expect(a.hub.get("n1")?.everyMs).toBe(750);
    await putNode("n2");
    const late = connect("n2");
    late.hello();
    await settle();
    expect(late.got("welcome")).toMatchObject([{ heartbeatMs: 750 }]);
  });

  test("hears of control planes that came after the welcome, once for each change", async () => {
    const { clock, connect, settle, putNode, setControlPlanes } = await leadingWorld();
    await putNode("n1");
    const node = connect("n1");
    node.hello();
    await settle();
    await clock.advance(LIMITS.replicaListMs.value);
    expect(node.got("controlPlanes")).toEqual([]);
    setControlPlanes(["a:7443", "b:7443", "c:7443"]);
    await clock.advance(3 * LIMITS.replicaListMs.value);
    expect(node.got("controlPlanes")).toEqual([{ addresses: ["a:7443", "b:7443", "c:7443"] }]);
  });

  test("that another replica is asked for is sent to the leader", async () => {
    const { startReplica, connect, settle } = await leadingWorld();
    await startReplica("b");
    const node = connect("n1", "b:7443");
    node.hello();
    await settle();
    expect(node.ending?.error).toMatchObject({ code: "not_leader", details: { leader: "a:7443" } });
  });

  test("ends with not_leader when leadership is lost, and nothing is known of nodes any more", async () => {
    const { a, lost, connect, settle, putNode, setLeader } = await leadingWorld();
    await putNode("n1");
    const node = connect("n1");
    node.hello();
    await settle();
    setLeader({ id: "b", address: "b:7443" });
    lost.abort();
    await settle();
    expect(node.ending?.error).toMatchObject({ code: "not_leader", details: { leader: "b:7443" } });
    expect(a.hub.all()).toEqual([]);
  });

  test("gives way to a newer one of the same node", async () => {
    const { a, connect, settle, putNode } = await leadingWorld();
    await putNode("n1");
    const old = connect("n1");
    old.hello("boot-1");
    await settle();
    const young = connect("n1");
    young.hello("boot-2");
    await settle();
    expect(old.ending?.error).toMatchObject({ code: "failed_precondition" });
    expect(young.got("welcome")).toHaveLength(1);
    expect(a.hub.get("n1")).toMatchObject({ isConnected: true, bootID: "boot-2" });
  });

  test("that breaks off leaves the report, marked as not connected", async () => {
    const { a, connect, settle } = await leadingWorld();
    const node = connect("n1");
    node.hello();
    await settle();
    const changes: string[] = [];
    a.hub.onChange((name) => changes.push(name));
    node.die();
    await settle();
    expect(a.hub.get("n1")).toMatchObject({ isConnected: false, bootID: "boot-1" });
    expect(changes).toEqual(["n1"]);
  });

  test("without a hello is cut, and one that begins with something else too", async () => {
    const { clock, connect, settle } = await leadingWorld();
    const mute = connect("n1");
    const rude = connect("n2");
    rude.heartbeat();
    await settle();
    expect(rude.ending?.error).toMatchObject({ code: "failed_precondition" });
    await clock.advance(LIMITS.helloMs.value);
    expect(mute.ending?.error).toMatchObject({ code: "deadline_exceeded" });
  });
});

describe("cut-over", () => {
  test("is the least that Ready nodes have applied, is sent when it grows, and one node that has not reported holds it", async () => {
    const { connect, settle, putNode } = await leadingWorld();
    for (const name of ["n1", "n2", "n3"]) await putNode(name);
    const [n1, n2, n3] = ["n1", "n2", "n3"].map((name) => connect(name));
    n1?.hello();
    n2?.hello();
    await settle();
    n1?.heartbeat(12);
    n2?.heartbeat(9);
    await settle();
    expect(n1?.got("cutOver")).toEqual([]);
    n3?.hello();
    n3?.heartbeat(10);
    await settle();
    expect(n1?.got("cutOver")).toEqual([{ endpointRevision: 9 }]);
    n2?.heartbeat(30);
    await settle();
    expect(n1?.got("cutOver").at(-1)).toEqual({ endpointRevision: 10 });
    expect(n3?.got("cutOver").at(-1)).toEqual({ endpointRevision: 10 });
  });

  test("is told at once, of many nodes, to those with a pod to stop, and to the others with their next answer", async () => {
    const { clock, connect, settle, put, putNode } = await leadingWorld();
    for (let at = 0; at < 1_001; at += 1) await putNode(`other-${at}`, "Unknown");
    for (const name of ["n1", "n2"]) await putNode(name);
    await put({
      kind: "Pod",
      object: Pod.fromPartial({
        metadata: { name: "web", namespace: "default", uid: "uid-web", deletionTimestamp: "2030-01-01T00:00:00Z" },
        spec: { nodeName: "n1", containers: [{ name: "main" }] },
      }),
    });
    const [n1, n2] = [connect("n1"), connect("n2")];
    for (const node of [n1, n2]) {
      node.hello();
      await settle();
      node.heartbeat(20);
    }
    await clock.advance(LIMITS.cutOverGatherManyMs.value);
    expect([n1.got("cutOver"), n2.got("cutOver")]).toEqual([[{ endpointRevision: 20 }], []]);
    n2.heartbeat(20);
    await settle();
    expect(n2.got("cutOver")).toEqual([{ endpointRevision: 20 }]);
  });

  test("does not wait for nodes that are not Ready, and does not go back for a node that comes", async () => {
    const { connect, settle, putNode } = await leadingWorld();
    await putNode("n1");
    await putNode("lost", "Unknown");
    const n1 = connect("n1");
    n1.hello();
    n1.heartbeat(20);
    await settle();
    expect(n1.got("cutOver")).toEqual([{ endpointRevision: 20 }]);
    await putNode("lost", "True");
    const back = connect("lost");
    back.hello();
    back.heartbeat(5);
    n1.heartbeat(21);
    await settle();
    expect(back.got("cutOver")).toEqual([{ endpointRevision: 20 }]);
    expect(n1.got("cutOver")).toHaveLength(1);
  });
});

test("a node tells of its own pods and itself, and of nothing else", async () => {
  const { a, connect, settle, putNode, putPod } = await leadingWorld();
  await putNode("n1");
  await putPod("mine", "n1");
  await putPod("theirs", "n2");
  const node = connect("n1");
  node.hello();
  const about = (kind: string, name: string) =>
    Event.fromPartial({
      involvedObject: { kind, name, namespace: kind === "Node" ? "" : "default" },
      reason: "Pulled",
      type: "Normal",
    });
  const events = [
    about("Pod", "mine"),
    about("Pod", "theirs"),
    about("Node", "n1"),
    about("Node", "n2"),
    about("Secret", "mine"),
  ];
  node.send({ $case: "events", value: { events } });
  await settle();
  expect(a.notices.map(({ notice, host }) => [notice.about.kind, notice.about.name, host])).toEqual([
    ["Pod", "mine", "n1"],
    ["Node", "n1", "n1"],
  ]);
});

test("image content is known from the whole and the changes, until the session ends", async () => {
  const { a, connect, settle } = await leadingWorld();
  const node = connect("n1");
  node.hello();
  node.send({ $case: "images", value: { isWhole: true, added: ["sha256:1", "sha256:2"], removed: [] } });
  node.send({ $case: "images", value: { isWhole: false, added: ["sha256:3"], removed: ["sha256:1"] } });
  await settle();
  const held = (digest: string) => a.hub.holdersOf([digest]);
  const all = ["sha256:1", "sha256:2", "sha256:3"].flatMap(held).map(({ heldCount }) => heldCount);
  expect(all).toEqual([0, 1, 1]);
  node.die();
  await settle();
  expect(held("sha256:2")).toEqual([]);
});
