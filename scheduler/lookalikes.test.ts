import { expect, test } from "vitest";
import { Pod } from "../proto/gen/tallship/v1/pod.js";
import type { Shape } from "./shape.js";
import { Snapshot } from "./snapshot.js";

const plain = {
  metadata: { ownerReferences: [{ kind: "ReplicaSet", name: "web", uid: "web", controller: true }] },
  spec: { containers: [{ name: "main", resources: { requests: { cpu: "1" } } }] },
};
const resized = {
  ...plain,
  status: { containerStatuses: [{ name: "main", allocatedResources: { cpu: "3" } }] },
};

function nearNodes(values: readonly string[]) {
  const requirement = { key: "zone", operator: "In", values: [...values] };
  const nodeSelectorTerms = [{ matchExpressions: [requirement] }];
  const nodeAffinity = { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } };
  return { ...plain, spec: { ...plain.spec, affinity: { nodeAffinity } } };
}

// A pod is compared with the last one of its owner; each row is a way in which it may differ and must not get that one's shape.
const others: readonly { readonly name: string; readonly pod: Parameters<typeof Pod.fromPartial>[0] }[] = [
  {
    name: "other requests",
    pod: { ...plain, spec: { containers: [{ name: "main", resources: { requests: { cpu: "2" } } }] } },
  },
  {
    name: "a request more",
    pod: { ...plain, spec: { containers: [{ name: "main", resources: { requests: { cpu: "1", memory: "1" } } }] } },
  },
  { name: "a node selector", pod: { ...plain, spec: { ...plain.spec, nodeSelector: { disk: "ssd" } } } },
  {
    name: "an annotation that says how it is placed",
    pod: { ...plain, metadata: { ...plain.metadata, annotations: { "tallship.dev/placement": "pack" } } },
  },
  ...[
    { name: "an affinity", values: ["a"] },
    { name: "a value of its affinity", values: ["b"] },
    { name: "a value more of its affinity", values: ["a", "b"] },
  ].map(({ name, values }) => ({ name, pod: nearNodes(values) })),
  {
    name: "an annotation that says how full is best",
    pod: { ...plain, metadata: { ...plain.metadata, annotations: { "tallship.dev/utilization-shape": "0=10" } } },
  },
  { name: "more granted by its node than it asks for now", pod: resized },
];

test("pods are told apart by the values of their affinities alone", () => {
  const shapes = [["a"], ["b"], ["a", "b"], ["a"]].map((values) => nearNodes(values));
  expect(new Set(shapesOf(...shapes).map(({ key }) => key)).size).toBe(3);
});

function shapesOf(...pods: readonly Parameters<typeof Pod.fromPartial>[0][]): readonly Shape[] {
  const snapshot = new Snapshot();
  return pods.map((pod) => snapshot.shapeOfBound(Pod.fromPartial(pod)));
}

for (const { name, pod } of others)
  test(`a pod is told from the last one of its owner by ${name}, whichever comes first`, () => {
    const [first, second, third] = shapesOf(plain, pod, plain);
    expect(second).not.toBe(first);
    expect(third).toBe(first);
    expect(shapesOf(pod, plain, pod).map(({ key }) => key)).toEqual([second?.key, first?.key, second?.key]);
  });

test("a pod gets the shape of the last one of its owner when nothing that decides where it may run differs", () => {
  const [first, second] = shapesOf(plain, { ...plain, metadata: { ...plain.metadata, name: "web-1", uid: "1" } });
  expect(second).toBe(first);
});
