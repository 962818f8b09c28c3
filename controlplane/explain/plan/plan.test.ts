import fc from "fast-check";
import { expect, test } from "vitest";
import { applyDefaults } from "../../../kinds/defaults/defaults.js";
import { keyOf, metaOf, type Typed } from "../../../kinds/object.js";
import { isDeleting } from "../../../kinds/pod-state.js";
import { DaemonSet } from "../../../proto/gen/tallship/v1/daemonset.js";
import { Deployment } from "../../../proto/gen/tallship/v1/deployment.js";
import { Job } from "../../../proto/gen/tallship/v1/job.js";
import { Pod, PodTemplateSpec } from "../../../proto/gen/tallship/v1/pod.js";
import { PodGroup } from "../../../proto/gen/tallship/v1/podgroup.js";
import { Queue } from "../../../proto/gen/tallship/v1/queue.js";
import { StatefulSet } from "../../../proto/gen/tallship/v1/statefulset.js";
import { type ControlWorld, contentDigest } from "../../../test/kit/control-world.js";
import { nodeOf } from "../../../test/kit/schedule-world.js";
import { worldOfTest } from "../../../test/kit/world-of-test.js";
import { daemonSet } from "../../controllers/daemon-set/daemon-set.js";
import { deployment } from "../../controllers/deployment/deployment.js";
import { job } from "../../controllers/job/job.js";
import { podGroup } from "../../controllers/pod-group.js";
import { replicaSet } from "../../controllers/replica-set.js";
import { statefulSet } from "../../controllers/stateful-set/stateful-set.js";
import { SchedulingLoop } from "../../scheduling/scheduling-loop.js";
import { askPicture } from "../picture.js";
import { OverlayView } from "./overlay-view.js";
import { planSet } from "./plan.js";

const metadata = { name: "web", namespace: "default", uid: "uid-web", generation: 1 };
const KINDS_OF_SETS = ["Deployment", "StatefulSet", "DaemonSet", "Job"] as const;

interface Parts {
  readonly kind: (typeof KINDS_OF_SETS)[number];
  readonly count: number;
  readonly cpu: string;
  /** A job's pods get their nodes together or not at all. */
  readonly isGang: boolean;
  /** Its pods wait for quota. */
  readonly isQueued: boolean;
}

/** A workload of so many pods. */
function workload({ kind, count, cpu, isGang, isQueued }: Parts): Typed {
  const template = PodTemplateSpec.fromPartial({
    metadata: { labels: { app: "web", ...(isQueued && { "tallship.dev/queue": "small" }) } },
    spec: {
      restartPolicy: kind === "Job" ? "Never" : "Always",
      containers: [{ name: "m", image: "i", resources: { requests: { cpu } } }],
    },
  });
  const selector = { matchLabels: { app: "web" } };
  const annotations = isGang ? { "tallship.dev/gang": "all" } : {};
  switch (kind) {
    case "Deployment":
      return { kind, object: Deployment.fromPartial({ metadata, spec: { replicas: count, selector, template } }) };
    case "StatefulSet": {
      const spec = { replicas: count, selector, template, podManagementPolicy: "Parallel" };
      return { kind, object: StatefulSet.fromPartial({ metadata, spec }) };
    }
    case "DaemonSet":
      return { kind, object: DaemonSet.fromPartial({ metadata, spec: { selector, template } }) };
    case "Job":
      return {
        kind,
        object: Job.fromPartial({
          metadata: { ...metadata, annotations },
          spec: { parallelism: count, completions: count, selector, template },
        }),
      };
  }
}

interface Guest {
  readonly node: number;
  readonly priority: number;
  /** It can do nothing without enough others of a group. */
  readonly isOfCrew: boolean;
}

/** A pod that runs on what its queue has borrowed. */
function guest(at: number, { node, priority, isOfCrew }: Guest): Typed<"Pod"> {
  const labels = { "tallship.dev/queue": "guest", ...(isOfCrew && { "tallship.dev/pod-group": "crew" }) };
  const resources = { requests: { cpu: "1" } };
  return {
    kind: "Pod",
    object: Pod.fromPartial({
      metadata: { name: `guest-${at}`, namespace: "default", uid: `uid-guest-${at}`, labels },
      spec: { nodeName: `node-${node}`, priority, containers: [{ name: "m", image: "i", resources }] },
      status: { phase: "Running" },
    }),
  };
}

/** Lets those who have to go end, until nobody has to. */
async function letEnd(world: ControlWorld): Promise<void> {
  for (let rounds = 0; rounds < 10; rounds += 1) {
    await world.converge();
    const going = world.view.list("Pod").filter(({ object }) => isDeleting(object));
    if (going.length === 0) return;
    for (const { object } of going) await world.drop(keyOf({ kind: "Pod", object }));
  }
  throw new Error("pods have to go without end");
}

function namesOf({ view }: ControlWorld): readonly string[] {
  return view
    .list("Pod")
    .map(({ object }) => metaOf(object).name)
    .sort();
}

/** Nodes of pods, with their number; the empty name for those without. */
function countByNode(nodes: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const node of [...nodes].sort()) counts[node] = (counts[node] ?? 0) + 1;
  return counts;
}

test("whatever the workload and the nodes: what the plan says is what controllers and scheduler do", async () => {
  const cases = fc.record({
    kind: fc.constantFrom(...KINDS_OF_SETS),
    count: fc.nat({ max: 7 }),
    cpu: fc.constantFrom("500m", "1", "3"),
    isGang: fc.boolean(),
    isQueued: fc.constantFrom(false, true),
    guests: fc.array(
      fc.record({
        node: fc.nat({ max: 3 }),
        priority: fc.constantFrom(0, 10, -10, -10),
        isOfCrew: fc.boolean(),
      }),
      { maxLength: 4 },
    ),
    minMember: fc.integer({ min: 1, max: 4 }),
    nodes: fc.array(fc.record({ cpu: fc.constantFrom("1", "2", "4"), cordoned: fc.boolean() }), { maxLength: 4 }),
  });
  await fc.assert(
    fc.asyncProperty(cases, async ({ nodes, guests, minMember, ...parts }) => {
      const world = await worldOfTest();
      const { clock, cache } = world;
      for (const [at, node] of nodes.entries()) {
        const parts = { name: `node-${at}`, unschedulable: node.cordoned };
        await world.put({ kind: "Node", object: nodeOf({ ...parts, allocatable: { cpu: node.cpu, memory: "8Gi" } }) });
      }
      for (const [name, cpu] of Object.entries({ small: "2", guest: "0" })) {
        const spec = { cohort: "all", quota: { cpu }, reclaimPolicy: "Any" };
        await world.put({ kind: "Queue", object: Queue.fromPartial({ metadata: { name }, spec }) });
      }
      const crew = { metadata: { name: "crew", namespace: "default", uid: "crew" }, spec: { minMember } };
      await world.put({ kind: "PodGroup", object: PodGroup.fromPartial(crew) });
      for (const [at, parts] of guests.entries()) if (parts.node < nodes.length) await world.put(guest(at, parts));
      const typed = applyDefaults(workload(parts));
      let uids = 0;
      const moment = {
        nowMs: clock.nowMs(),
        monotonicMs: 0,
        newUid: () => {
          uids += 1;
          return `uid-${uids}`;
        },
      };
      const view = new OverlayView(cache.view);
      const { revision } = cache.view;
      const plan = await askPicture(
        { cache, clock },
        world.stop.signal,
        (picture) => planSet([typed], { ...picture, view }, moment),
        view,
      );
      expect(cache.view.revision).toBe(revision);
      world.run([
        deployment(contentDigest),
        replicaSet,
        statefulSet(contentDigest),
        daemonSet(contentDigest),
        job,
        podGroup,
      ]);
      new SchedulingLoop(world.deps, world.stop.signal).start();
      const guestNames = (): readonly string[] => namesOf(world).filter((name) => name.startsWith("guest"));
      const before = guestNames();
      await world.put(typed);
      await letEnd(world);
      const own = cache.view.list("Pod").filter(({ object }) => !metaOf(object).name.startsWith("guest"));
      const pods = own.map(({ object }) => object.spec?.nodeName ?? "");
      expect(countByNode(plan.pods.map(({ node }) => node))).toEqual(countByNode(pods));
      const left = guestNames();
      const named = plan.pods.flatMap(({ victims }) => victims.map(({ name }) => name));
      expect(named.sort()).toEqual(before.filter((name) => !left.includes(name)));
      world.stop.abort();
    }),
    { seed: 23, numRuns: 120 },
  );
});
