import fc from "fast-check";
import { askPicture } from "../../controlplane/explain/picture.js";
import { whyOf } from "../../controlplane/explain/why.js";
import { SchedulingLoop } from "../../controlplane/scheduling/scheduling-loop.js";
import { metaOf } from "../../kinds/object.js";
import { isDeleting } from "../../kinds/pod-state.js";
import { queueOf } from "../../kinds/queue.js";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { PodGroup } from "../../proto/gen/tallship/v1/podgroup.js";
import { Queue } from "../../proto/gen/tallship/v1/queue.js";
import { podRequests } from "../../scheduler/pod-requests.js";
import { type ControlWorld, controlWorld } from "./control-world.js";
import { nodeOf, podOf } from "./schedule-world.js";

const NODES = ["a", "b", "c"];
const HOUR_MS = 3_600_000;
/** Rounds in which those that make room end, until nobody does any more. */
const MOST_ROUNDS = 30;

/** Pods that come together. */
export interface Comers {
  readonly cpu: number;
  readonly priority: number;
  readonly app: string;
  /** Label app of pods that they want on their node. */
  readonly near: string | undefined;
  /** The queue whose quota they use; empty: none. */
  readonly queue: string;
  readonly size: number;
}

/** What happens to a cluster and its leader. */
export type Adversity =
  | { readonly do: "node"; readonly name: string; readonly cpu: number; readonly zone: string }
  | { readonly do: "lose"; readonly name: string }
  | { readonly do: "come"; readonly comers: Comers; readonly isGang: boolean }
  | { readonly do: "queue"; readonly name: string; readonly cpu: number }
  | { readonly do: "end"; readonly at: number }
  | { readonly do: "relabel"; readonly at: number; readonly app: string }
  | { readonly do: "jump"; readonly hours: number };

const name = fc.constantFrom(...NODES);
const at = fc.nat({ max: 20 });
const app = fc.constantFrom("x", "y");

/** Nodes that come, shrink and go, pods and gangs that come and go, some of queues whose quotas change, labels that change, and a wall clock that is set forward and back. */
export const anyAdversity: fc.Arbitrary<readonly Adversity[]> = fc.array(
  fc.oneof(
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant("node" as const),
        name,
        cpu: fc.nat({ max: 5 }),
        zone: fc.constantFrom("east", "west"),
      }),
    },
    fc.record({ do: fc.constant("lose" as const), name }),
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant("come" as const),
        isGang: fc.boolean(),
        comers: fc.record({
          ...{ cpu: fc.nat({ max: 3 }), priority: fc.constantFrom(0, 0, 10), app },
          ...{ near: fc.constantFrom(undefined, undefined, "x", "nobody"), size: fc.integer({ min: 1, max: 5 }) },
          queue: fc.constantFrom("", "", "one", "two"),
        }),
      }),
    },
    fc.record({ do: fc.constant("queue" as const), name: fc.constantFrom("one", "two"), cpu: fc.nat({ max: 6 }) }),
    fc.record({ do: fc.constant("end" as const), at }),
    fc.record({ do: fc.constant("relabel" as const), at, app }),
    fc.record({ do: fc.constant("jump" as const), hours: fc.integer({ min: -20_000, max: 20_000 }) }),
  ),
  { minLength: 5, maxLength: 14 },
);

/** A leader's scheduling loop over a store in memory that lives through adversities, and says what was wrong. */
export class LoopLife {
  readonly faults: string[] = [];
  private readonly world: ControlWorld;
  /** Cpus of nodes that are there, by the most that they ever had. */
  private readonly most = new Map<string, number>();
  private ids = 0;

  private constructor(world: ControlWorld) {
    this.world = world;
  }

  /** An empty cluster. */
  static async begin(): Promise<LoopLife> {
    const world = await controlWorld();
    new SchedulingLoop(world.deps, world.stop.signal).start();
    return new LoopLife(world);
  }

  /** Ends the loop. */
  end(): void {
    this.world.stop.abort();
  }

  /** Pods with a node, and where each is. */
  get placement(): readonly string[] {
    const placed = this.pods.filter(({ spec }) => (spec?.nodeName ?? "") !== "");
    return placed.map((pod) => `${metaOf(pod).name} ${pod.spec?.nodeName}`).sort();
  }

  private get pods(): readonly Pod[] {
    return this.world.view.list("Pod").map(({ object }) => object);
  }

  /** How often the loop has decided anything. */
  async decisions(): Promise<number> {
    const { values } = await this.world.metrics.schedulerScheduleSeconds.get();
    return values.find(({ metricName }) => metricName?.endsWith("_count"))?.value ?? 0;
  }

  /** Lets time go by. */
  async pass(ms: number): Promise<void> {
    await this.world.clock.advance(ms);
  }

  /** Lets it all happen, each time until the cluster rests. */
  async suffer(story: readonly Adversity[]): Promise<void> {
    for (const each of story) {
      await this.carryOut(each);
      await this.rest();
      this.check();
      await this.checkWaiting();
    }
  }

  private async carryOut(each: Adversity): Promise<void> {
    const { world } = this;
    const pod = each.do === "end" || each.do === "relabel" ? this.pods[each.at] : undefined;
    switch (each.do) {
      case "node": {
        const { name: nodeName, cpu, zone } = each;
        this.most.set(nodeName, Math.max(cpu, this.most.get(nodeName) ?? 0));
        const parts = { name: nodeName, labels: { zone }, allocatable: { cpu: `${cpu}`, memory: "64Gi" } };
        return world.put({ kind: "Node", object: nodeOf(parts) });
      }
      case "queue": {
        const spec = { cohort: "all", quota: { cpu: `${each.cpu}` }, reclaimPolicy: "Any" };
        return world.put({ kind: "Queue", object: Queue.fromPartial({ metadata: { name: each.name }, spec }) });
      }
      case "lose":
        return world.drop({ kind: "Node", namespace: "", name: each.name });
      case "come": {
        this.ids += 1;
        const group = `group-${String(this.ids).padStart(4, "0")}`;
        return each.isGang ? this.addGang(group, each.comers) : this.add(group, each.comers, {});
      }
      case "jump":
        world.clock.jump(each.hours * HOUR_MS);
        return;
      case "end":
        return pod && world.drop({ kind: "Pod", namespace: "default", name: metaOf(pod).name });
      case "relabel": {
        const labels = { ...pod?.metadata?.labels, app: each.app };
        return (
          pod && world.put({ kind: "Pod", object: Pod.fromPartial({ ...pod, metadata: { ...pod.metadata, labels } }) })
        );
      }
    }
  }

  /** Pods of a pod group that all of them have to be placed of. */
  async addGang(group: string, comers: Comers): Promise<void> {
    const metadata = { name: group, namespace: "default", uid: `uid-${group}` };
    const spec = { minMember: comers.size };
    await this.world.put({ kind: "PodGroup", object: PodGroup.fromPartial({ metadata, spec }) });
    await this.add(group, comers, { "tallship.dev/pod-group": group });
  }

  private async add(
    prefix: string,
    { cpu, priority, app: own, near, queue, size }: Comers,
    more: Readonly<Record<string, string>>,
  ) {
    for (let member = 0; member < size; member += 1) {
      const labels = { app: own, ...(queue !== "" && { "tallship.dev/queue": queue }), ...more };
      const pod = podOf({ requests: { cpu: `${cpu}` }, priority, labels, ...(near !== undefined && { near }) });
      const metadata = {
        ...metaOf(pod),
        name: `${prefix}-${member}`,
        namespace: "default",
        uid: `${prefix}-${member}`,
      };
      await this.world.put({
        kind: "Pod",
        object: Pod.fromPartial({ ...pod, metadata, status: { phase: "Pending" } }),
      });
    }
  }

  /** Lets pods that were told to make room end, until nobody is told any more. */
  async rest(): Promise<void> {
    for (let round = 0; round < MOST_ROUNDS; round += 1) {
      await this.world.converge();
      const going = this.pods.filter(isDeleting);
      if (going.length === 0) return;
      for (const pod of going) await this.world.drop({ kind: "Pod", namespace: "default", name: metaOf(pod).name });
    }
    this.faults.push(`pods still make room for each other after ${MOST_ROUNDS} rounds`);
  }

  /**
   * Nobody waits for what is there: a scheduler that sees all of this for the first time would place no pod, nor any gang, either. Pods of queues
   * aside: who was let in first, and has no node, holds quota that somebody else would be given.
   */
  private async checkWaiting(): Promise<void> {
    const waiting = this.pods.filter(
      ({ metadata, spec }) => (spec?.nodeName ?? "") === "" && queueOf(metadata?.labels) === "",
    );
    const taken = await askPicture(this.world, this.world.stop.signal, ({ state, view }) =>
      waiting.flatMap((pod) => {
        const { takenBy } = whyOf(state, view, pod);
        return takenBy === "" ? [] : [`${metaOf(pod).name} waits, and ${takenBy} would take it`];
      }),
    );
    this.faults.push(...taken);
  }

  private check(): void {
    for (const [nodeName, cpu] of this.most) {
      const pods = this.world.view.podsOnNode(nodeName).map(({ object }) => object);
      const used = pods.reduce((sum, pod) => sum + (podRequests(pod).get("cpu") ?? 0), 0);
      if (used > 1_000 * cpu) this.faults.push(`node ${nodeName} has ${used} of ${1_000 * cpu} thousandths of a core`);
    }
    for (const { object } of this.world.view.list("PodGroup")) {
      const { name: group } = metaOf(object);
      const members = this.pods.filter(({ metadata }) => metadata?.labels["tallship.dev/pod-group"] === group);
      const placed = members.filter(({ spec }) => (spec?.nodeName ?? "") !== "").length;
      const isWhole = members.length === object.spec?.minMember;
      if (isWhole && placed > 0 && placed < members.length)
        this.faults.push(`${placed} of ${members.length} pods of ${group} have a node`);
    }
  }
}
