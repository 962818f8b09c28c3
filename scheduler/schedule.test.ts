import fc from "fast-check";
import { expect, test } from "vitest";
import { Node } from "../proto/gen/tallship/v1/node.js";
import { Pod } from "../proto/gen/tallship/v1/pod.js";
import { anyNodeNamed, anyPod, NAMESPACES } from "../test/kit/schedule-clusters.js";
import { scheduleNaively } from "../test/kit/schedule-oracle.js";
import type { PolicyName } from "./plugins.js";
import { schedule } from "./schedule.js";
import { Snapshot } from "./snapshot.js";
import { Standings } from "./standings.js";

const nodeNames = ["a", "b", "c", "d", "e", "f"];

/** What happens to a cluster, step by step. Pods are drawn from few templates, so that shapes repeat. */
type Step =
  | { readonly do: "node"; readonly node: Node }
  | { readonly do: "lose"; readonly name: string }
  | { readonly do: "finish"; readonly at: number }
  | { readonly do: "schedule"; readonly pods: readonly number[] };

const anyNode = fc.constantFrom(...nodeNames).chain(anyNodeNamed);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant("node" as const), node: anyNode }),
  fc.record({ do: fc.constant("lose" as const), name: fc.constantFrom(...nodeNames) }),
  fc.record({ do: fc.constant("finish" as const), at: fc.nat({ max: 20 }) }),
  fc.record({ do: fc.constant("schedule" as const), pods: fc.array(fc.nat({ max: 3 }), { maxLength: 12 }) }),
);

class World {
  readonly snapshot = new Snapshot();
  readonly nodes = new Map<string, Node>();
  bound: { pod: Pod; nodeName: string }[] = [];
  private readonly standings: Standings;
  private readonly policy: PolicyName;
  private readonly templates: readonly object[];
  private uids = 0;

  constructor(policy: PolicyName, templates: readonly object[]) {
    this.policy = policy;
    this.templates = templates;
    this.standings = new Standings(this.snapshot, policy);
    for (const [name, labels] of Object.entries(NAMESPACES)) this.snapshot.setNamespace(name, labels);
  }

  apply(each: Step): void {
    if (each.do === "node") {
      this.nodes.set(each.node.metadata?.name ?? "", each.node);
      this.snapshot.setNode(each.node);
    } else if (each.do === "lose") {
      this.nodes.delete(each.name);
      this.snapshot.removeNode(each.name);
    } else if (each.do === "finish") {
      const [gone] = this.bound.splice(each.at, 1);
      if (gone !== undefined) this.snapshot.remove(gone.pod.metadata?.uid ?? "");
    } else this.schedule(each.pods);
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
    const want = scheduleNaively([...this.nodes.values()], this.bound, pods, this.policy);
    const pure = schedule(this.snapshot, pending, { policy: this.policy });
    const sought = new Standings(this.snapshot, this.policy, 0);
    expect(schedule(this.snapshot, pending, { standings: sought })).toEqual(pure);
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

for (const policy of ["spread", "pack"] as const) {
  test(`policy ${policy}: on random clusters, through any changes, the decision equals the naive definition's`, () => {
    fc.assert(
      fc.property(
        fc.tuple(...nodeNames.slice(0, 4).map(anyNodeNamed)),
        fc.array(anyPod, { minLength: 4, maxLength: 4 }),
        fc.array(step, { maxLength: 25 }),
        (nodes, templates, steps) => {
          const world = new World(policy, templates);
          for (const each of nodes) world.apply({ do: "node", node: each });
          for (const each of steps) world.apply(each);
          world.apply({ do: "schedule", pods: [0, 1, 2, 3, 0, 1, 2, 3] });
        },
      ),
      { seed: 42, numRuns: 400 },
    );
  });
}

test("the order in which nodes and pods came does not matter", () => {
  const nodes = nodeNames.map((name) =>
    Node.fromPartial({
      metadata: { name },
      status: { allocatable: { cpu: "4", memory: "8Gi" }, conditions: [{ type: "Ready", status: "True" }] },
    }),
  );
  const place = (order: readonly Node[]): readonly string[] => {
    const snapshot = new Snapshot();
    for (const each of order) snapshot.setNode(each);
    const shape = snapshot.shapeOf(Pod.fromPartial({ spec: { containers: [{ name: "main" }] } }));
    const pending = nodeNames.map((id) => ({ id, shape }));
    return schedule(snapshot, pending).bindings.map(({ nodeName }) => nodeName);
  };
  expect(place(nodes)).toEqual(nodeNames);
  expect(place([...nodes].reverse())).toEqual(nodeNames);
});
