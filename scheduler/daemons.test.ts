import fc from "fast-check";
import { expect, test } from "vitest";
import { nodeOf, podOf, snapshotOf } from "../test/kit/schedule-world.js";
import { schedule } from "./schedule.js";
import { Standings } from "./standings.js";

const NODES = 5;

/** A pod as a daemon set makes it: it may run on one node alone, and puts up with that node being cordoned or not ready. */
function daemonFor(nodeName: string, cpu: string) {
  const pod = podOf({
    uid: `daemon-${nodeName}`,
    owner: "daemons",
    requests: { cpu },
    tolerations: ["not-ready", "unschedulable"].map((what) => ({
      key: `node.kubernetes.io/${what}`,
      operator: "Exists",
    })),
  });
  const matchFields = [{ key: "metadata.name", operator: "In", values: [nodeName] }];
  const required = { nodeSelectorTerms: [{ matchFields, matchExpressions: [] }] };
  const nodeAffinity = {
    requiredDuringSchedulingIgnoredDuringExecution: required,
    preferredDuringSchedulingIgnoredDuringExecution: [],
  };
  const affinity = { nodeAffinity, podAffinity: undefined, podAntiAffinity: undefined };
  return pod.spec === undefined ? pod : { ...pod, spec: { ...pod.spec, affinity } };
}

const anyNode = fc.record({
  cpu: fc.nat({ max: 4 }),
  unschedulable: fc.boolean(),
  ready: fc.constantFrom("True", "False"),
  isTainted: fc.boolean(),
});

test("each pod of a daemon set is on its own node or on none: cordoned or not ready does not matter, room and other taints do", () => {
  fc.assert(
    fc.property(fc.array(anyNode, { minLength: NODES, maxLength: NODES }), (parts) => {
      const nodes = parts.map(({ cpu, isTainted, ...own }, at) =>
        nodeOf({
          ...own,
          name: `node-${at}`,
          taints: isTainted ? [{ key: "gpu", value: "only", effect: "NoSchedule" }] : [],
          allocatable: { cpu: `${cpu}`, memory: "8Gi", pods: "10" },
        }),
      );
      const daemons = nodes.map((_, at) => daemonFor(`node-${at}`, "2"));
      const snapshot = snapshotOf(nodes, {}, daemons);
      const pending = daemons.map((pod) => ({ id: pod.metadata?.uid ?? "", shape: snapshot.shapeOf(pod) }));
      const { bindings } = schedule(snapshot, pending, { standings: new Standings(snapshot, "pack") });
      const own = parts.flatMap(({ cpu, isTainted }, at) => (cpu >= 2 && !isTainted ? [`node-${at}`] : []));
      expect(bindings.map(({ pod, nodeName }) => [pod.id, nodeName])).toEqual(
        own.map((each) => [`daemon-${each}`, each]),
      );
    }),
    { seed: 17, numRuns: 300 },
  );
});
