import fc from "fast-check";
import { expect, test } from "vitest";
import { isPauseAsked, PAUSED, pausedRuns, runText } from "../kinds/paused.js";
import { KEEP_FILES, powerOf, STARTS, STOPPED } from "../kinds/power.js";
import { TallshipError } from "../lib/errors.js";
import { limit } from "../lib/limits.js";
import { Pod } from "../proto/gen/tallship/v1/pod.js";
import { LoopWorld, loopPod } from "../test/kit/loop-world.js";
import { HOOKS } from "./actions.js";
import { isPaused } from "./pause-step.js";
import type { ObservedContainer } from "./runtime/runtime.js";

const statesOf = async (world: LoopWorld): Promise<readonly string[]> =>
  (await world.runtime.list()).map(({ container, attempt, state }) => `${container}.${attempt} ${state.is}`);

test("a pod comes up in order and rests", async () => {
  const world = new LoopWorld();
  world.loop.replaceDesired([loopPod("u1", ["serve"])]);
  await world.advance(100);
  expect(await statesOf(world)).toEqual(["serve.0 running"]);
  expect(world.done).toEqual([
    "up image",
    "up users",
    "up sandbox",
    "up config",
    "up volumes",
    "up devices",
    "up policy",
  ]);
  expect(world.turns()).toBeLessThan(12);
  const before = world.turns();
  await world.advance(60_000);
  expect(world.turns() - before).toBeLessThan(8);
});

test("a container that crashes is made again, later each time", async () => {
  const world = new LoopWorld();
  world.loop.replaceDesired([loopPod("u1", ["crash"])]);
  const endedAtMs: number[] = [];
  for (let atMs = 0; atMs < 20_000; atMs += 100) {
    await world.advance(100);
    const count = Math.max(0, world.lastAttempt("u1", "crash"));
    while (endedAtMs.length < count) endedAtMs.push(atMs);
  }
  const gaps = endedAtMs.slice(1).map((atMs, at) => Math.round((atMs - (endedAtMs[at] ?? 0)) / 1_000));
  expect(gaps).toEqual([1, 2, 4, 8]);
});

test("pods that nobody wants go only once the control plane is heard", async () => {
  const world = new LoopWorld();
  world.loop.replaceDesired([loopPod("u1", ["serve"])]);
  await world.advance(100);
  await world.restartAgent({ keepsCheckpoint: false, isAlone: true });
  await world.advance(10_000);
  expect(await statesOf(world)).toEqual(["serve.0 running"]);
  world.loop.replaceDesired([]);
  await world.advance(10_000);
  expect(await statesOf(world)).toEqual([]);
  expect(world.saved()).toEqual([]);
});

test("without control plane a restarted agent keeps its pods from the checkpoint, and crashed ones come again", async () => {
  const world = new LoopWorld();
  world.loop.replaceDesired([loopPod("u1", ["serve", "crash"])]);
  await world.advance(20);
  await world.restartAgent({ keepsCheckpoint: true, isAlone: true });
  await world.advance(30_000);
  const states = await statesOf(world);
  expect(states).toContain("serve.0 running");
  expect(world.lastAttempt("u1", "crash")).toBeGreaterThan(3);
});

test("after a power cut every pod of the checkpoint is made anew, its ends told as lost", async () => {
  const world = new LoopWorld();
  world.loop.replaceDesired([loopPod("u1", ["serve"])]);
  await world.advance(100);
  world.powerOff();
  await world.restartAgent({ keepsCheckpoint: true, isAlone: true });
  await world.advance(5_000);
  expect(await statesOf(world)).toEqual(["serve.1 running"]);
  expect(world.status("u1")?.containerStatuses[0]?.lastState?.terminated?.reason).toBe("ContainerStatusUnknown");
});

test("on a full disk nothing begins that was not written down, what is to end ends, and all goes on once there is room", async () => {
  const world = new LoopWorld();
  const filler = loopPod("filler", ["serve"]);
  world.want(filler);
  await world.advance(100);
  world.isDiskFull = true;
  world.want(loopPod("late", ["serve"]));
  world.loop.evict("filler", { reason: "Evicted", message: "The node was low on resource: ephemeral-storage." });
  await world.advance(10_000);
  expect(await statesOf(world)).toEqual([]);
  expect(world.status("filler")).toMatchObject({ phase: "Failed", reason: "Evicted" });
  expect(world.linked()).toEqual([]);
  world.isDiskFull = false;
  await world.advance(10_000);
  expect(await statesOf(world)).toEqual(["serve.0 running"]);
  expect([...world.saved()].sort()).toEqual(["filler", "late"]);
});

test("a pull that hangs is given up when the pod is deleted", async () => {
  const world = new LoopWorld();
  world.hang("image");
  const pod = loopPod("u1", ["serve"]);
  world.loop.replaceDesired([pod]);
  await world.advance(100);
  world.remove(pod, 30);
  await world.advance(1_000);
  expect(world.released).toEqual(["u1"]);
});

test("a pod that is started while its place is given back has it given back whole first, and then comes up with users of its own", async () => {
  const world = new LoopWorld();
  const pod = loopPod("u1", ["serve"]);
  world.want(switched(pod, true, 0));
  await world.advance(100);
  world.want(switched(pod, false, 0));
  for (let step = 0; step < 1_000 && !world.done.includes("down config"); step += 1) await world.advance(10);
  world.want(switched(pod, true, 1));
  await world.advance(5_000);
  expect(world.broken).toEqual([]);
  expect(await statesOf(world)).toEqual(["serve.1 running"]);
});

test("a hook that fails is tried again with backoff, and its reason stands in the status", async () => {
  const world = new LoopWorld();
  world.fail("image", new TallshipError("image_not_found", "no registry has it"), 3);
  world.loop.replaceDesired([loopPod("u1", ["serve"])]);
  await world.advance(50);
  const reasons = [world.status("u1")?.containerStatuses[0]?.state?.waiting?.reason];
  await world.advance(1_500);
  reasons.push(world.status("u1")?.containerStatuses[0]?.state?.waiting?.reason);
  expect(reasons).toEqual(["ErrImagePull", "ImagePullBackOff"]);
  await world.advance(10_000);
  expect(await statesOf(world)).toEqual(["serve.0 running"]);
});

test("no more than limits.agentWorkers actions go on at a time, pulls apart", async () => {
  const world = new LoopWorld();
  world.hang("sandbox");
  world.loop.replaceDesired(Array.from({ length: 50 }, (_, at) => loopPod(`u${at}`, ["serve"])));
  await world.advance(100);
  expect(world.hanging).toBe(limit("agentWorkers"));
});

/** What may happen to a node, in any order. */
const event = fc.oneof(
  { weight: 6, arbitrary: fc.record({ is: fc.constant("pass" as const), ms: fc.integer({ min: 1, max: 3_000 }) }) },
  { weight: 3, arbitrary: fc.record({ is: fc.constant("want" as const), pod: fc.nat(2), kind: fc.nat(7) }) },
  {
    weight: 3,
    arbitrary: fc.record({ is: fc.constant("delete" as const), pod: fc.nat(2), grace: fc.integer({ min: 0, max: 5 }) }),
  },
  { weight: 2, arbitrary: fc.record({ is: fc.constant("kill agent" as const), keeps: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant("lose monitor" as const), pod: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant("power off" as const) }) },
  { weight: 2, arbitrary: fc.record({ is: fc.constant("fail" as const), hook: fc.constantFrom(...HOOKS) }) },
  { weight: 2, arbitrary: fc.record({ is: fc.constant("pause" as const), pod: fc.nat(2), isOn: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ is: fc.constant("switch" as const), pod: fc.nat(2), isOn: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ is: fc.constant("renew" as const), pod: fc.nat(2) }) },
);
const KINDS: readonly { readonly main: readonly string[]; readonly init?: readonly string[] }[] = [
  { main: ["serve"] },
  { main: ["crash"] },
  { main: ["serve", "once"] },
  { main: ["stubborn"] },
  { main: ["serve"], init: ["setup", "proxy"] },
  { main: ["probed", "hooked"] },
  { main: ["crash", "serve"], init: ["proxy", "setup"] },
  { main: ["sick"], init: ["setup"] },
];

/** The pod as its user has switched it so often: stopped, or started. It keeps its files meanwhile. */
function switched(pod: Pod, isOn: boolean, count: number): Pod {
  const power: Record<string, string> = isOn ? { [STARTS]: String(count) } : { [STOPPED]: "", [STARTS]: String(count) };
  return Pod.fromPartial({ ...pod, metadata: { ...pod.metadata, annotations: { [KEEP_FILES]: "true", ...power } } });
}

/** The pod with other images for its containers. */
function renewed(pod: Pod, count: number): Pod {
  const containers = (pod.spec?.containers ?? []).map((each) => ({ ...each, image: `renewed:${count}` }));
  return Pod.fromPartial({ ...pod, spec: { ...pod.spec, containers } });
}

/** The pod with its present runs paused by its user, or none. */
function paused(pod: Pod, runs: readonly ObservedContainer[]): Pod {
  const { [PAUSED]: _, ...others } = pod.metadata?.annotations ?? {};
  const annotations = runs.length === 0 ? others : { ...others, [PAUSED]: runs.map(runText).join(",") };
  return Pod.fromPartial({ ...pod, metadata: { ...pod.metadata, annotations } });
}

test("whatever happens in whatever order: the laws hold at every step, and the node ends as it is wanted", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 25 }), fc.nat(), async (events, seed) => {
      const world = new LoopWorld(seed);
      const wanted = new Map<string, Pod>();
      let count = 0;
      world.loop.replaceDesired([]);
      for (const one of events) {
        if (one.is === "pass") await world.advance(one.ms);
        if (one.is === "want" && !wanted.has(`p${one.pod}`)) {
          count += 1;
          const { main, init = [] } = KINDS[one.kind] ?? { main: [] };
          const pod = loopPod(`p${one.pod}-${count}`, main, { init });
          wanted.set(`p${one.pod}`, pod);
          world.want(pod);
        }
        const uid = "pod" in one ? wanted.get(`p${one.pod}`) : undefined;
        if (one.is === "delete" && uid !== undefined) {
          wanted.delete(`p${one.pod}`);
          world.remove(uid, one.grace);
        }
        if (one.is === "switch" && uid !== undefined) {
          count += 1;
          const next = switched(uid, one.isOn, count);
          wanted.set(`p${one.pod}`, next);
          world.want(next);
        }
        if (one.is === "renew" && uid !== undefined) {
          count += 1;
          const next = renewed(uid, count);
          wanted.set(`p${one.pod}`, next);
          world.want(next);
        }
        if (one.is === "pause" && uid !== undefined) {
          const next = paused(uid, one.isOn ? await world.runtime.list(uid.metadata?.uid) : []);
          wanted.set(`p${one.pod}`, next);
          world.want(next);
        }
        if (one.is === "lose monitor" && uid !== undefined) await world.loseMonitors(uid.metadata?.uid ?? "");
        if (one.is === "fail") world.fail(one.hook, new TallshipError("kernel_failed", "no"), 2);
        if (one.is === "power off") world.powerOff();
        if (one.is === "power off" || one.is === "kill agent")
          await world.restartAgent({ keepsCheckpoint: one.is === "power off" || one.keeps });
      }
      await world.advance(700_000);
      expect(world.broken).toEqual([]);
      const listed = await world.runtime.list();
      for (const run of listed.filter(isPaused))
        expect([...wanted.values()].some((pod) => pod.metadata?.uid === run.podUid && isPauseAsked(pod, run))).toBe(
          true,
        );
      const alive = new Set(listed.map(({ podUid }) => podUid));
      const uids = new Set([...wanted.values()].map((pod) => pod.metadata?.uid));
      expect([...alive].filter((uid) => !uids.has(uid))).toEqual([]);
      for (const pod of wanted.values()) {
        // What waits for a container that was paused as it started waits on.
        if (pausedRuns(pod).length > 0 && !powerOf(pod).isStopped) continue;
        if (!powerOf(pod).isStopped) world.expectServing(pod);
        if (!powerOf(pod).isStopped) expectImages(world, pod);
        else expect([...alive, ...world.linked()]).not.toContain(pod.metadata?.uid);
      }
      expect(world.saved().filter((uid) => !uids.has(uid))).toEqual([]);
      expect(world.linked().filter((uid) => !uids.has(uid))).toEqual([]);
    }),
    { numRuns: 150 },
  );
});

/** What runs is of the image that the pod names now. */
function expectImages({ loop }: LoopWorld, { metadata, spec }: Pod): void {
  const known = loop.get(metadata?.uid ?? "")?.record.containers ?? {};
  const living = (spec?.containers ?? []).filter(({ name }) => known[name]?.startedAtMs !== undefined);
  expect(living.map(({ name }) => known[name]?.image)).toEqual(living.map(({ image }) => image));
}

test("a running pod follows its configs: told of a change it refreshes them once, and a change of others' is nothing to it", async () => {
  const world = new LoopWorld();
  const pod = loopPod("u1", ["serve"]);
  const volumes = [{ name: "v", configMap: { name: "web" } }];
  world.loop.replaceDesired([Pod.fromPartial({ ...pod, spec: { ...pod.spec, volumes } }), loopPod("u2", ["serve"])]);
  await world.advance(100);
  world.done.length = 0;
  world.loop.configsChanged(new Set(["ConfigMap/default/other", "ConfigMap/elsewhere/web", "Secret/default/web"]));
  await world.advance(1_000);
  expect(world.done).toEqual([]);
  world.loop.configsChanged(new Set(["ConfigMap/default/web"]));
  await world.advance(1_000);
  expect(world.done).toEqual(["up config", "refresh u1"]);
  await world.restartAgent({ keepsCheckpoint: true, isAlone: true });
  world.done.length = 0;
  world.loop.configsChanged(undefined);
  await world.advance(1_000);
  expect(world.done).toEqual(["up config", "refresh u1"]);
});
