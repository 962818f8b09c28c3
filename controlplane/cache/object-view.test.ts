import fc from "fast-check";
import { expect, test } from "vitest";
import type { Typed } from "../../kinds/object.js";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { cachedFrom } from "./cached.js";
import { ObjectView } from "./object-view.js";
import type { Cached } from "./view.js";
import { viewOf } from "./view-of.js";

interface Shape {
  readonly namespace: string;
  readonly name: string;
  readonly nodeName: string;
  readonly owner: string;
  readonly labels: Readonly<Record<string, string>>;
}

const shape: fc.Arbitrary<Shape> = fc.record({
  namespace: fc.constantFrom("a", "a-b", "b"),
  name: fc.constantFrom("x", "y", "z", "x-1"),
  nodeName: fc.constantFrom("", "n1", "n2"),
  owner: fc.constantFrom("", "u1", "u2"),
  labels: fc.dictionary(fc.constantFrom("app", "tier"), fc.constantFrom("1", "2")),
});

function podOf({ namespace, name, nodeName, owner, labels }: Shape): Typed<"Pod"> {
  const ownerReferences = owner === "" ? [] : [{ kind: "ReplicaSet", name: "rs", uid: owner, controller: true }];
  return {
    kind: "Pod",
    object: Pod.fromPartial({ metadata: { namespace, name, labels, ownerReferences }, spec: { nodeName } }),
  };
}

const names = (rows: readonly Cached<"Pod">[]): readonly string[] =>
  rows.map(({ object }) => `${object.metadata?.namespace}/${object.metadata?.name}`);

test("every list is what filtering all objects gives, in order of namespace and name", () => {
  const change = fc.tuple(fc.boolean(), shape);
  fc.assert(
    fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
      const view = new ObjectView();
      const model = new Map<string, Shape>();
      changes.forEach(([isPut, pod], at) => {
        const key = { kind: "Pod", namespace: pod.namespace, name: pod.name } as const;
        view.replace(key, isPut ? cachedFrom(podOf(pod), at + 1) : undefined);
        if (isPut) model.set(`${pod.namespace}/${pod.name}`, pod);
        else model.delete(`${pod.namespace}/${pod.name}`);
      });
      const order = (a: Shape, b: Shape): number =>
        a.namespace === b.namespace ? (a.name < b.name ? -1 : 1) : a.namespace < b.namespace ? -1 : 1;
      const want = (accept: (pod: Shape) => boolean): readonly string[] =>
        [...model.values()]
          .filter(accept)
          .sort(order)
          .map((pod) => `${pod.namespace}/${pod.name}`);
      expect(names(view.list("Pod"))).toEqual(want(() => true));
      expect(names(view.list("Pod", "a"))).toEqual(want((pod) => pod.namespace === "a"));
      for (const uid of ["u1", "u2"]) expect(names(view.ownedBy("Pod", uid))).toEqual(want((pod) => pod.owner === uid));
      for (const node of ["", "n1"]) expect(names(view.podsOnNode(node))).toEqual(want((pod) => pod.nodeName === node));
      const both = { app: "1", tier: "2" };
      expect(names(view.withLabels("Pod", "a", both))).toEqual(
        want((pod) => pod.namespace === "a" && pod.labels.app === "1" && pod.labels.tier === "2"),
      );
      expect(names(view.withLabels("Pod", "b", {}))).toEqual(want((pod) => pod.namespace === "b"));
      expect(view.count("Pod")).toBe(model.size);
    }),
  );
});

test("an owner that is not the controller does not index its dependents", () => {
  const object = Pod.fromPartial({
    metadata: { namespace: "a", name: "x", ownerReferences: [{ uid: "u1" }, { uid: "u2", controller: true }] },
  });
  const view = viewOf([{ kind: "Pod", object }]);
  expect(view.ownedBy("Pod", "u1")).toEqual([]);
  expect(view.ownedBy("Pod", "u2")).toHaveLength(1);
});

test("a view of given objects has their resourceVersions, or their places where they have none", () => {
  const pod = (name: string, resourceVersion: string): Typed<"Pod"> => ({
    kind: "Pod",
    object: Pod.fromPartial({ metadata: { namespace: "a", name, resourceVersion } }),
  });
  const view = viewOf([pod("x", "41"), pod("y", "")]);
  expect(view.revision).toBe(41);
  expect(view.cached("Pod", "a", "x")?.revision).toBe(41);
  expect(view.get("Pod", "a", "y")?.metadata?.resourceVersion).toBe("2");
  expect(view.get("Pod", "b", "x")).toBeUndefined();
});
