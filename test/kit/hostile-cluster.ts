import fc from "fast-check";
import type { Attempt, PendingPod } from "../../scheduler/attempt.js";
import { attemptGang } from "../../scheduler/gang.js";
import { assume } from "../../scheduler/schedule.js";
import type { Snapshot } from "../../scheduler/snapshot.js";
import { Standings } from "../../scheduler/standings.js";
import { PLAIN_TENURE } from "../../scheduler/tenant.js";
import { nodeOf, type PodParts, podOf, snapshotOf } from "./schedule-world.js";

const NODES = ["a", "b", "c", "d"];
const ZONES = ["east", "west"];
/** Rounds of victims that end and come back until nothing changes any more. */
const MOST_ROUNDS = 60;

/** What is done to the cluster. */
export type Hostility =
  | { readonly do: "node"; readonly name: string; readonly cpu: string; readonly memory: string; readonly zone: string }
  | { readonly do: "lose"; readonly name: string }
  | { readonly do: "pods"; readonly kind: PodParts; readonly count: number }
  | { readonly do: "gangs"; readonly kind: PodParts; readonly size: number; readonly count: number }
  | { readonly do: "relabel"; readonly at: number; readonly app: string }
  | { readonly do: "finish"; readonly at: number };

const name = fc.constantFrom(...NODES);
const kind: fc.Arbitrary<PodParts> = fc.record({
  owner: fc.constantFrom("one", "two"),
  labels: fc.constantFrom({ app: "a" }, { app: "b" }),
  // Nothing at all, what fits, and more than any cluster has or a number can tell.
  requests: fc.constantFrom<Readonly<Record<string, string>>>(
    {},
    { cpu: "0", memory: "0" },
    { cpu: "500m" },
    { cpu: "1", memory: "1Gi" },
    { cpu: "9223372036854775807", memory: "8Ei" },
    { cpu: "100m", "example.com/none": "1" },
  ),
  priority: fc.constantFrom(-10, 0, 10, 2_000_000_000),
  // Some of these contradict each other, and some select nobody, not even the pod itself.
  nodeSelector: fc.constantFrom<Readonly<Record<string, string>>>({}, {}, { zone: "east" }, { zone: "nowhere" }),
  near: fc.constantFrom(undefined, undefined, undefined, "a", "nobody"),
  apartFrom: fc.constantFrom(undefined, undefined, undefined, "a", "nobody"),
  evenly: fc.constantFrom(undefined, undefined, { app: "a", maxSkew: 1 }, { app: "nobody", maxSkew: 1 }),
});

/** Bad input and faults, one after the other: nodes that shrink, go and come back with other labels, pods whose labels change, that ask for the impossible, gangs that no cluster has room for. */
export const anyHostility: fc.Arbitrary<readonly Hostility[]> = fc.array(
  fc.oneof(
    fc.record({
      do: fc.constant("node" as const),
      name,
      cpu: fc.constantFrom("0", "1", "2", "4"),
      memory: fc.constantFrom("0", "1Gi", "8Gi"),
      zone: fc.constantFrom(...ZONES),
    }),
    fc.record({ do: fc.constant("lose" as const), name }),
    { weight: 3, arbitrary: fc.record({ do: fc.constant("pods" as const), kind, count: fc.nat({ max: 6 }) }) },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant("gangs" as const),
        kind,
        size: fc.integer({ min: 1, max: 24 }),
        count: fc.integer({ min: 1, max: 4 }),
      }),
    },
    fc.record({
      do: fc.constant("relabel" as const),
      at: fc.nat({ max: 30 }),
      app: fc.constantFrom("a", "b", "nobody"),
    }),
    fc.record({ do: fc.constant("finish" as const), at: fc.nat({ max: 30 }) }),
  ),
  { minLength: 3, maxLength: 14 },
);

/** Lives through hostilities and says what is wrong with what was decided; nothing when all is well. */
export class HostileCluster {
  readonly faults: string[] = [];
  private readonly snapshot: Snapshot;
  private readonly standings: Standings;
  private readonly waiting = new Map<string, { readonly parts: PodParts; readonly gang: string }>();
  private readonly bound: string[] = [];
  /** What is known of those that are bound. */
  private readonly parts = new Map<string, PodParts>();
  private ids = 0;

  constructor() {
    this.snapshot = snapshotOf(NODES.slice(0, 2).map((each) => nodeOf({ name: each, labels: { zone: "east" } })));
    this.standings = new Standings(this.snapshot, "spread");
  }

  /** Where everybody is; the same story always ends the same. */
  get placement(): readonly string[] {
    return this.bound.map((id) => `${id} ${this.snapshot.nodeOf(id)}`).sort();
  }

  /** Lets it happen, then schedules until nothing changes. */
  suffer(each: Hostility): void {
    if (each.do === "node") {
      const { name: nodeName, cpu, memory, zone } = each;
      this.snapshot.setNode(nodeOf({ name: nodeName, labels: { zone }, allocatable: { cpu, memory, pods: "110" } }));
    } else if (each.do === "lose") this.snapshot.removeNode(each.name);
    else if (each.do === "finish") this.end(this.bound[each.at]);
    else if (each.do === "relabel") this.relabel(this.bound[each.at], each.app);
    else if (each.do === "pods") for (let at = 0; at < each.count; at += 1) this.wait(each.kind, "");
    else
      for (let at = 0; at < each.count; at += 1) {
        const gang = `gang-${this.ids}`;
        for (let member = 0; member < each.size; member += 1) this.wait(each.kind, gang);
      }
    this.settle();
  }

  private wait(parts: PodParts, gang: string): void {
    this.ids += 1;
    this.waiting.set(`pod-${this.ids}`, { parts, gang });
  }

  private end(id: string | undefined): void {
    if (id === undefined) return;
    this.snapshot.remove(id);
    this.bound.splice(this.bound.indexOf(id), 1);
  }

  /** Whoever selects it, or is selected by it, may be where it would not be put now; nobody is moved for that. */
  private relabel(id: string | undefined, app: string): void {
    const nodeName = id === undefined ? undefined : this.snapshot.nodeOf(id);
    if (id === undefined || nodeName === undefined) return;
    const parts = { ...this.parts.get(id), labels: { app } };
    this.parts.set(id, parts);
    const tenure = this.snapshot.tenant(id)?.tenure;
    this.snapshot.place(id, this.snapshot.shapeOfBound(podOf({ ...parts, uid: id })), nodeName, tenure);
  }

  private settle(): void {
    for (let round = 0; round < MOST_ROUNDS; round += 1) if (!this.scheduleAll()) return;
    this.faults.push(`pods still push each other out after ${MOST_ROUNDS} rounds`);
  }

  /** One look at everybody who waits; victims end at once, and their owners make others like them. True when anything changed. */
  private scheduleAll(): boolean {
    const single = [...this.waiting].filter(([, { gang }]) => gang === "").map(([id]) => this.pending(id));
    const { attempts } = assume(this.snapshot, single, this.standings);
    let changed = this.take(attempts);
    for (const gang of new Set([...this.waiting.values()].map((each) => each.gang)))
      if (gang !== "") changed = this.scheduleGang(gang) || changed;
    return changed;
  }

  private scheduleGang(gang: string): boolean {
    const pods = [...this.waiting].filter(([, each]) => each.gang === gang).map(([id]) => this.pending(id));
    const whole = { pods, least: pods.length, topologyKey: "", isBounded: true, home: undefined };
    const attempts = attemptGang(this.snapshot, whole, this.standings) ?? [];
    const placed = pods.filter(({ id }) => this.snapshot.nodeOf(id) !== undefined).length;
    if (placed > 0 && placed < pods.length)
      this.faults.push(`${placed} of ${pods.length} pods of ${gang} have a place`);
    return this.take(attempts);
  }

  private pending(id: string): PendingPod {
    const parts = this.waiting.get(id)?.parts ?? {};
    const shape = this.snapshot.shapeOf(podOf({ ...parts, uid: id }));
    return { id, shape, tenure: { ...PLAIN_TENURE, priority: parts.priority ?? 0 }, preempts: true };
  }

  private take(attempts: readonly Attempt[]): boolean {
    for (const { pod, is, victims, nodeName } of attempts) {
      if (is === "bound") {
        this.checkRoom(pod, nodeName);
        this.parts.set(pod.id, this.waiting.get(pod.id)?.parts ?? {});
        this.waiting.delete(pod.id);
        this.bound.push(pod.id);
      }
      for (const { id, tenure } of victims) {
        if (tenure.priority >= (pod.tenure?.priority ?? 0)) this.faults.push(`${pod.id} pushed ${id} out`);
        this.end(id);
        this.wait(this.parts.get(id) ?? {}, "");
      }
    }
    return attempts.length > 0;
  }

  private checkRoom({ id, shape }: PendingPod, nodeName: string): void {
    const { slot = -1, pods } = this.snapshot.record(nodeName) ?? {};
    // Room that is kept for others counts beside that of the pods who still hold it.
    const kept = (pods?.values() ?? [])
      .filter(({ tenure }) => tenure.isReserved)
      .flatMap((each) => each.shape.requests);
    for (const { column } of shape.requests) {
      const ahead = kept.filter((each) => each.column === column).reduce((sum, { amount }) => sum + amount, 0);
      if ((this.snapshot.free[column]?.[slot] ?? -1) + ahead < 0)
        this.faults.push(`${id} is more than ${nodeName} had left`);
    }
  }
}
