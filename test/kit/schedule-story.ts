import fc from "fast-check";
import { expect } from "vitest";
import type { Node } from "../../proto/gen/tallship/v1/node.js";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { explainScores } from "../../scheduler/explain-scores.js";
import { schedule } from "../../scheduler/schedule.js";
import { Snapshot } from "../../scheduler/snapshot.js";
import { Standings } from "../../scheduler/standings.js";
import { anyNodeNamed, anyPod, NAMESPACES, plainNodeNamed, plainPod } from "./schedule-clusters.js";
import { type OracleImage, scheduleNaively } from "./schedule-oracle.js";

const nodeNames = ["a", "b", "c", "d", "e", "f"];

/** What happens to a cluster, step by step. Pods are drawn from few templates, so that shapes repeat. */
type Step =
  | { readonly do: "node"; readonly node: Node }
  | { readonly do: "lose"; readonly name: string }
  | { readonly do: "hold"; readonly image: string; readonly sizeBytes: number; readonly holders: readonly number[] }
  | { readonly do: "finish"; readonly at: number }
  | { readonly do: "schedule"; readonly pods: readonly number[] };

function anySchedule(max: number, maxLength: number): fc.Arbitrary<Step> {
  return fc.record({ do: fc.constant("schedule" as const), pods: fc.array(fc.nat({ max }), { maxLength }) });
}

/** Some nodes come to hold an image; nobody is known to when it has no size. */
const anyHold: fc.Arbitrary<Step> = fc.record({
  do: fc.constant("hold" as const),
  image: fc.constantFrom("docker.io/library/app:latest", "docker.io/library/big:v1"),
  sizeBytes: fc.constantFrom(0, 10_000_000, 300_000_000, 2_500_000_000),
  holders: fc.array(fc.nat({ max: 100 }), { maxLength: 5 }),
});

const anyNode = fc.constantFrom(...nodeNames).chain(anyNodeNamed);
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant("node" as const), node: anyNode }),
  fc.record({ do: fc.constant("lose" as const), name: fc.constantFrom(...nodeNames) }),
  fc.record({ do: fc.constant("finish" as const), at: fc.nat({ max: 20 }) }),
  anyHold,
  anySchedule(3, 12),
);

/**
 * A cluster that lives through changes; every decision is compared with the naive definition's: by a library without memory, by one with all of
 * it, and by one that ranks nodes for one shape only and for all others looks for the best instead of at all.
 */
class ScheduleStory {
  readonly snapshot = new Snapshot();
  readonly nodes = new Map<string, Node>();
  readonly images = new Map<string, OracleImage>();
  bound: { pod: Pod; nodeName: string }[] = [];
  private readonly standings: Standings;
  private readonly sought: Standings;
  private readonly policy: "spread" | "pack";
  private readonly templates: readonly object[];
  private uids = 0;

  constructor(policy: "spread" | "pack", templates: readonly object[]) {
    this.policy = policy;
    this.templates = templates;
    this.standings = new Standings(this.snapshot, policy);
    this.sought = new Standings(this.snapshot, policy, { gridFrom: 0, most: 1 });
    for (const [name, labels] of Object.entries(NAMESPACES)) this.snapshot.setNamespace(name, labels);
  }

  /** Lets it happen. */
  apply(each: Step): void {
    if (each.do === "node") {
      this.nodes.set(each.node.metadata?.name ?? "", each.node);
      this.snapshot.setNode(each.node);
    } else if (each.do === "lose") {
      this.nodes.delete(each.name);
      this.snapshot.removeNode(each.name);
    } else if (each.do === "hold") this.hold(each);
    else if (each.do === "finish") {
      const [gone] = this.bound.splice(each.at, 1);
      if (gone !== undefined) this.snapshot.remove(gone.pod.metadata?.uid ?? "");
    } else this.schedule(each.pods);
  }

  private hold({ image, sizeBytes, holders }: Step & { readonly do: "hold" }): void {
    const names = [...this.nodes.keys()];
    const held = { sizeBytes, holders: new Set(holders.map((at) => names[at % names.length] ?? "")) };
    if (sizeBytes === 0) this.images.delete(image);
    else this.images.set(image, held);
    this.snapshot.images.set(image, this.images.get(image));
  }

  private schedule(picks: readonly number[]): void {
    const pods = picks.map((pick) => {
      const template = Pod.fromPartial(this.templates[pick % this.templates.length] ?? {});
      this.uids += 1;
      return Pod.fromPartial({ ...template, metadata: { ...template.metadata, uid: `uid-${this.uids}` } });
    });
    // The first look may teach the snapshot what pods ask about each other: shapes made before are good no longer.
    const version = this.snapshot.shapesVersion;
    for (const each of pods) this.snapshot.shapeOf(each);
    if (version !== this.snapshot.shapesVersion)
      for (const { pod: each, nodeName } of this.bound)
        this.snapshot.place(each.metadata?.uid ?? "", this.snapshot.shapeOfBound(each), nodeName);
    const pending = pods.map((each) => ({
      id: each.metadata?.uid ?? "",
      shape: this.snapshot.shapeOf(each),
      object: each,
    }));
    const [first] = pending.slice(0, 1).map(({ shape }) => explainScores(this.snapshot, shape, this.policy)[0]);
    const want = scheduleNaively({ ...this, nodes: [...this.nodes.values()] }, pods, this.policy);
    const pure = schedule(this.snapshot, pending, { policy: this.policy });
    expect(schedule(this.snapshot, pending, { standings: this.sought })).toEqual(pure);
    // What people are told of the scores is what decides.
    if (pending.length > 0) expect(first?.nodeName ?? null).toBe(want[0]?.node);
    const decision = schedule(this.snapshot, pending, { standings: this.standings, assume: true });
    expect(decision).toEqual(pure);
    const got = new Map(decision.bindings.map(({ pod, nodeName }) => [pod.id, nodeName]));
    expect(pods.map(({ metadata }) => ({ pod: metadata?.uid, node: got.get(metadata?.uid ?? "") ?? null }))).toEqual(
      want,
    );
    expect(decision.refusals.map(({ pod }) => pod.id)).toEqual(
      want.filter(({ node }) => node === null).map(({ pod }) => pod),
    );
    for (const { refusals } of decision.refusals) {
      expect(refusals.nodes).toBe(this.nodes.size);
      const [most] = refusals.reasons;
      if (refusals.nodes > 0) expect(most?.nodes).toBeGreaterThan(0);
    }
    for (const { pod, nodeName } of decision.bindings) this.bound.push({ pod: pod.object, nodeName });
  }
}

/** How many stories, and which. */
export interface Telling {
  readonly seed: number;
  readonly numRuns: number;
  /** Absent: few. */
  readonly nodes?: number;
}

/** Tells stories in which anything happens, to nodes and pods of every kind. */
export function tellOfChanges(policy: "spread" | "pack", telling: Telling): void {
  const beginning = fc.record({
    nodes: fc.tuple(...nodeNames.slice(0, 4).map(anyNodeNamed)),
    pods: fc.array(anyPod, { minLength: 4, maxLength: 4 }),
    steps: fc.array(anyStep, { maxLength: 25 }),
  });
  tell(policy, beginning, telling);
}

/** Tells stories in which plain pods come and go on nodes that stay as they are and seldom fill up, so that what was remembered of them has to hold for long. */
export function tellOfLoads(policy: "spread" | "pack", { nodes = nodeNames.length, ...telling }: Telling): void {
  const names = Array.from({ length: nodes }, (_, at) => `node-${String(at).padStart(3, "0")}`);
  const beginning = fc.record({
    nodes: fc.tuple(...names.map(plainNodeNamed)),
    pods: fc.array(plainPod, { minLength: 5, maxLength: 5 }),
    steps: fc.array(
      fc.oneof(
        { weight: 3, arbitrary: anySchedule(4, 20) },
        anyHold,
        fc.record({ do: fc.constant("finish" as const), at: fc.nat({ max: 20 }) }),
      ),
      { minLength: 5, maxLength: 15 },
    ),
  });
  tell(policy, beginning, telling);
}

interface Beginning {
  readonly nodes: readonly Node[];
  readonly pods: readonly object[];
  readonly steps: readonly Step[];
}

function tell(policy: "spread" | "pack", beginning: fc.Arbitrary<Beginning>, telling: Telling): void {
  fc.assert(
    fc.property(beginning, ({ nodes, pods, steps }) => {
      const story = new ScheduleStory(policy, pods);
      for (const node of nodes) story.apply({ do: "node", node });
      for (const each of steps) story.apply(each);
      story.apply({ do: "schedule", pods: [0, 1, 2, 3, 0, 1, 2, 3] });
    }),
    telling,
  );
}
