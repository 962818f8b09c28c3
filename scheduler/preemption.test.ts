import fc from "fast-check";
import { expect, test } from "vitest";
import { Pod } from "../proto/gen/tallship/v1/pod.js";
import { anyNodeNamed, anyPod, NAMESPACES } from "../test/kit/schedule-clusters.js";
import { isPlace, scheduleNaively } from "../test/kit/schedule-oracle.js";
import type { Spot } from "../test/kit/schedule-oracle-peers.js";
import { type OracleTenant, preemptNaively } from "../test/kit/schedule-oracle-preemption.js";
import type { PendingPod } from "./attempt.js";
import { schedule } from "./schedule.js";
import { Snapshot } from "./snapshot.js";
import { Standings } from "./standings.js";
import { PLAIN_TENURE, type Tenure } from "./tenant.js";

const names = ["a", "b", "c"];
const times = ["", "2030-01-01T00:00:01Z", "2030-01-01T00:00:02Z"];

/** A pod of a template: how important it is, and since when it runs. */
const draw = fc.record({
  template: fc.nat({ max: 3 }),
  priority: fc.constantFrom(-5, 0, 0, 10, 100),
  startedAt: fc.constantFrom(...times),
  node: fc.constantFrom(...names),
  isEnding: fc.constantFrom(false, false, false, true),
});

interface Wanted {
  readonly object: Pod;
  readonly pending: PendingPod;
}

function tenureOf({ metadata, spec, status }: Pod, isEnding = false): Tenure {
  const { namespace = "", labels = {} } = metadata ?? {};
  const startedAt = status?.startTime ?? "";
  return { ...PLAIN_TENURE, namespace, labels, priority: spec?.priority ?? 0, startedAt, isEnding };
}

test("who has to make room, and where, equals the naive definition's; nobody of equal or higher priority ever has to", () => {
  fc.assert(
    fc.property(
      fc.tuple(...names.map(anyNodeNamed)),
      fc.array(anyPod, { minLength: 4, maxLength: 4 }),
      fc.array(draw, { maxLength: 14 }),
      fc.array(draw, { minLength: 1, maxLength: 5 }),
      fc.dictionary(fc.constantFrom("a", "b"), fc.nat({ max: 2 })),
      (nodes, templates, running, coming, budgets) => {
        let uids = 0;
        const make = ({
          template,
          priority,
          startedAt,
        }: typeof draw extends fc.Arbitrary<infer T> ? T : never): Pod => {
          const parts = Pod.fromPartial(templates[template] ?? {});
          uids += 1;
          return Pod.fromPartial({
            ...parts,
            metadata: { ...parts.metadata, uid: `uid-${String(uids).padStart(2, "0")}` },
            spec: { ...parts.spec, priority },
            status: { startTime: startedAt },
          });
        };
        const snapshot = new Snapshot();
        for (const [name, labels] of Object.entries(NAMESPACES)) snapshot.setNamespace(name, labels);
        for (const each of nodes) snapshot.setNode(each);
        const spots: Spot[] = nodes.map((node) => ({ node, pods: [] }));
        const tenants = new Map<Pod, OracleTenant>();
        const pods = coming.map(make);
        const bound = running.map((each) => ({ ...each, pod: make(each) }));
        // Everybody is seen once before anybody is placed: what is asked about others decides shapes.
        for (const pod of [...pods, ...bound.map(({ pod: each }) => each)]) snapshot.shapeOf(pod);
        for (const { pod, node, isEnding } of bound) {
          const spot = spots.find((each) => each.node.metadata?.name === node);
          if (spot === undefined || !isPlace(pod, spot, spots)) continue;
          spot.pods.push(pod);
          tenants.set(pod, { pod, isEnding, isReserved: false });
          snapshot.place(pod.metadata?.uid ?? "", snapshot.shapeOfBound(pod), node, tenureOf(pod, isEnding));
        }
        for (const [app, allowed] of Object.entries(budgets))
          snapshot.budgets.set("n", app, {
            namespace: "n",
            selector: { matchLabels: { app }, matchExpressions: [] },
            allowed,
          });
        const wanted: readonly Wanted[] = pods.map((object) => ({
          object,
          pending: {
            id: object.metadata?.uid ?? "",
            shape: snapshot.shapeOf(object),
            tenure: tenureOf(object),
            preempts: true,
          },
        }));
        const all = wanted.map(({ pending }) => pending);
        const pure = schedule(snapshot, all);
        expect(schedule(snapshot, all)).toEqual(pure);
        const standings = new Standings(snapshot, "spread");
        for (const { object, pending } of wanted) {
          const got = schedule(snapshot, [pending], { standings, assume: true });
          const now = spots.flatMap(({ node, pods: here }) =>
            here.map((pod) => ({ pod, nodeName: node.metadata?.name ?? "" })),
          );
          const [place] = scheduleNaively({ nodes, bound: now, images: new Map() }, [object], "spread");
          const free = spots.find(({ node }) => node.metadata?.name === place?.node);
          const made =
            free === undefined ? preemptNaively(object, spots, tenants, new Map(Object.entries(budgets))) : undefined;
          const gone = made?.victims.filter(({ isReserved }) => !isReserved) ?? [];
          expect(got.evictions.map(({ podId }) => podId)).toEqual(gone.map(({ pod }) => pod.metadata?.uid));
          for (const { pod } of gone) expect(pod.spec?.priority ?? 0).toBeLessThan(object.spec?.priority ?? 0);
          for (const victim of made?.victims ?? []) {
            if (victim.isReserved) made?.spot.pods.splice(made.spot.pods.indexOf(victim.pod), 1);
            else victim.isEnding = true;
            const app = victim.pod.metadata?.labels["app"] ?? "";
            const isCounted = victim.pod.metadata?.namespace === "n" && !victim.isReserved;
            if (isCounted && budgets[app] !== undefined) budgets[app] -= 1;
          }
          const spot = free ?? made?.spot;
          const isBound =
            spot !== undefined && (free !== undefined || (gone.length === 0 && isPlace(object, spot, spots)));
          expect(got.bindings.map(({ nodeName }) => nodeName)).toEqual(isBound ? [spot.node.metadata?.name] : []);
          expect(snapshot.nodeOf(pending.id)).toBe(spot?.node.metadata?.name);
          spot?.pods.push(object);
          tenants.set(object, { pod: object, isEnding: false, isReserved: !isBound });
        }
      },
    ),
    { seed: 7, numRuns: 1_000 },
  );
});
