import { expect, test } from "vitest";
import { DEFAULT_EVICTION, type HostEviction } from "../../lib/host-config.js";
import { silentLog } from "../../lib/log.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import type { NodeConditionReport } from "../../proto/gen/tallship/v1/session.js";
import { LoopWorld, loopPod } from "../../test/kit/loop-world.js";
import { isCritical } from "./rank.js";
import { evictionRules, type Stocks } from "./thresholds.js";
import { PressureWatch } from "./watch-pressure.js";

const GIB = 2 ** 30;

/** A node in virtual time whose pods hold memory or disk: as much of it is gone from the host. */
class PressedWorld {
  readonly world = new LoopWorld();
  readonly held = new Map<string, number>();
  readonly told: NodeConditionReport[] = [];
  readonly notices: string[] = [];
  imageBytes = 0;
  readonly watch: PressureWatch;
  private readonly signal: "memory.available" | "nodefs.available";

  constructor(signal: PressedWorld["signal"], options: Partial<HostEviction> = {}) {
    this.signal = signal;
    const rules = evictionRules({ ...DEFAULT_EVICTION, hard: `${signal}<1Gi`, ...options });
    const { clock, loop } = this.world;
    this.watch = new PressureWatch(
      {
        ...{ clock, log: silentLog, rules, stocks: () => this.stocks() },
        sharesOf: async (pods) =>
          pods.map((pod) => {
            const uid = pod.metadata?.uid ?? "";
            const used = this.held.get(uid) ?? 0;
            return { uid, pod, used, byContainer: new Map([["serve", used]]) };
          }),
        reclaim: async () => {
          this.imageBytes = 0;
        },
      },
      {
        pods: () => loop.list(),
        evict: (uid, failure) => loop.evict(uid, failure),
        notify: ({ reason, message }) => this.notices.push(`${reason}: ${message}`),
        onConditions: (conditions) => {
          this.world.conditions = conditions;
          this.told.push(...conditions.filter(({ status }) => status === "True"));
        },
      },
    );
  }

  /** What pods that still run hold is not there. */
  private stocks(): Stocks {
    const running = this.world.loop.list().filter(({ facts }) => !facts.isCleared);
    const used = running.reduce((sum, { record }) => sum + (this.held.get(record.uid) ?? 0), this.imageBytes);
    return { [this.signal]: { available: 10 * GIB - used, capacity: 10 * GIB } };
  }

  want(held: Readonly<Record<string, number>>, change: (pod: Pod) => Pod = (pod) => pod): void {
    for (const [uid, gib] of Object.entries(held)) {
      this.held.set(uid, gib * GIB);
      this.world.want(change(loopPod(uid, ["serve"])));
    }
  }

  async looks(count: number): Promise<void> {
    for (let at = 0; at < count; at += 1) {
      await this.watch.look();
      await this.world.advance(1_000);
    }
  }

  phases(): Readonly<Record<string, string | undefined>> {
    return Object.fromEntries(
      [...this.held.keys()].map((uid) => [uid, this.world.status(uid)?.reason || this.world.status(uid)?.phase]),
    );
  }
}

test("the hog goes, and nobody else: one pod at a time, until there is enough again", async () => {
  const node = new PressedWorld("memory.available");
  node.want({ small: 1, hog: 6, other: 2 });
  await node.world.advance(1_000);
  node.held.set("hog", 7 * GIB);
  await node.looks(20);
  expect(node.phases()).toEqual({ small: "Running", hog: "Evicted", other: "Running" });
  const status = node.world.status("hog");
  expect(status).toMatchObject({ phase: "Failed", reason: "Evicted" });
  expect(status?.message).toMatch(/^The node was low on resource: memory\. Threshold quantity: 1Gi, available: 0\. /);
  expect(status?.conditions.find(({ type }) => type === "DisruptionTarget")).toMatchObject({
    ...{ status: "True", reason: "TerminationByKubelet" },
  });
  expect(node.notices).toHaveLength(1);
  expect(node.told).toMatchObject([{ type: "MemoryPressure", reason: "AgentHasInsufficientMemory" }]);
});

test("a disk that is full of unused images costs no pod", async () => {
  const node = new PressedWorld("nodefs.available");
  node.imageBytes = 8 * GIB;
  node.want({ web: 2 });
  await node.world.advance(1_000);
  await node.looks(5);
  expect(node.phases()).toEqual({ web: "Running" });
  expect(node.told).toMatchObject([{ type: "DiskPressure" }]);
});

test("where only critical pods are left, the node lacks what it lacks", async () => {
  const node = new PressedWorld("memory.available");
  node.want({ dns: 10 }, (pod) => ({ ...pod, spec: pod.spec && { ...pod.spec, priority: 2_000_000_000 } }));
  await node.world.advance(1_000);
  await node.looks(5);
  expect(node.phases()).toEqual({ dns: "Running" });
  expect(node.world.loop.list().every(({ desired }) => desired !== undefined && isCritical(desired))).toBe(true);
});

test("a soft bound gives pods its grace, then their own up to the longest allowed", async () => {
  const node = new PressedWorld("memory.available", {
    ...{ hard: "", soft: "memory.available<1Gi", softGrace: "memory.available=10s", maxPodGraceSeconds: 5 },
  });
  node.want({ hog: 10 });
  await node.world.advance(1_000);
  await node.looks(10);
  expect(node.phases()).toEqual({ hog: "Running" });
  await node.looks(5);
  expect(node.phases()).toEqual({ hog: "Evicted" });
});

test("a pod that is bound to a node which lacks memory is refused, one that runs there goes on over the agent's death", async () => {
  const node = new PressedWorld("memory.available");
  node.want({ dns: 10 }, (pod) => ({ ...pod, spec: pod.spec && { ...pod.spec, priority: 2_000_000_000 } }));
  await node.world.advance(1_000);
  await node.looks(2);
  node.want({ late: 0 });
  await node.world.advance(1_000);
  expect(node.phases()).toEqual({ dns: "Running", late: "Evicted" });
  expect(node.world.status("late")).toMatchObject({
    phase: "Failed",
    message: "Pod was rejected: The node had condition: [MemoryPressure]. ",
  });
  await node.world.restartAgent({ keepsCheckpoint: true });
  await node.world.advance(1_000);
  expect(node.phases()).toEqual({ dns: "Running", late: "Evicted" });
});
