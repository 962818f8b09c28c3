import fc from "fast-check";
import { expect, test } from "vitest";
import { messageSchema } from "../../../kinds/schema.js";
import { Deployment } from "../../../proto/gen/tallship/v1/deployment.js";
import { Service } from "../../../proto/gen/tallship/v1/service.js";
import { type Fields, fieldsOf } from "./fields.js";
import { relinquish } from "./relinquish.js";
import { mergeThreeWay } from "./three-way.js";

const schema = messageSchema("Deployment");

type Partial = Parameters<typeof Deployment.fromPartial>[0];

const deployment = (partial: Partial): Fields => fieldsOf(Deployment.fromPartial(partial));

const containers = (...list: NonNullable<NonNullable<Partial["spec"]>["template"]>["spec"][]): Partial => ({
  spec: { template: { spec: list[0] ?? {} } },
});

function merge(sides: { live: Partial; base?: Partial; mine: Partial; others?: readonly Partial[] }): {
  readonly object: unknown;
  readonly conflicts: readonly string[];
} {
  return mergeThreeWay(schema, {
    live: deployment(sides.live),
    base: sides.base === undefined ? undefined : deployment(sides.base),
    mine: deployment(sides.mine),
    others: (sides.others ?? []).map(deployment),
  });
}

const labels = (map: Record<string, string>): Partial => ({ metadata: { labels: map } });
const replicas = (count: number): Partial => ({ spec: { replicas: count } });

// Each row is one way in which three sides can differ for one value.
const rows: readonly {
  readonly name: string;
  readonly sides: Parameters<typeof merge>[0];
  readonly want: Partial;
  readonly conflicts?: readonly string[];
}[] = [
  {
    name: "a field that the manager never had keeps its value",
    sides: { live: replicas(7), base: {}, mine: {} },
    want: replicas(7),
  },
  {
    name: "a field that the manager drops is removed",
    sides: { live: labels({ a: "1", b: "2" }), base: labels({ a: "1", b: "2" }), mine: labels({ a: "1" }) },
    want: labels({ a: "1" }),
  },
  {
    name: "a dropped field that another manager holds stays",
    sides: { live: replicas(3), base: replicas(3), mine: {}, others: [replicas(3)] },
    want: replicas(3),
  },
  {
    name: "a dropped field that was edited since belongs to the editor",
    sides: { live: replicas(9), base: replicas(3), mine: {} },
    want: replicas(9),
  },
  {
    name: "a field that the manager holds is put back over an edit",
    sides: { live: replicas(9), base: replicas(3), mine: replicas(3) },
    want: replicas(3),
  },
  {
    name: "another manager's other value is a conflict",
    sides: { live: replicas(9), mine: replicas(3), others: [replicas(9)] },
    want: replicas(3),
    conflicts: ["spec.replicas"],
  },
  {
    name: "another manager's same value is shared",
    sides: { live: replicas(9), mine: replicas(3), others: [replicas(3)] },
    want: replicas(3),
  },
  {
    name: "a label named like a method of objects is only a label",
    sides: { live: labels({ toString: "x" }), base: labels({ constructor: "y" }), mine: labels({ valueOf: "z" }) },
    want: labels({ toString: "x", valueOf: "z" }),
  },
  {
    name: "an element keeps what others put into it, and what its manager drops goes",
    sides: {
      live: containers({ containers: [{ name: "web", image: "web:1", workingDir: "/", args: ["x"] }] }),
      base: containers({ containers: [{ name: "web", image: "web:1", args: ["x"] }] }),
      mine: containers({ containers: [{ name: "web", image: "web:2" }] }),
    },
    want: containers({ containers: [{ name: "web", image: "web:2", workingDir: "/" }] }),
  },
  {
    name: "a dropped element goes, one that was put in by others stays in place",
    sides: {
      live: containers({ containers: [{ name: "mesh" }, { name: "web" }, { name: "log" }] }),
      base: containers({ containers: [{ name: "web" }, { name: "log" }] }),
      mine: containers({ containers: [{ name: "web" }, { name: "new" }] }),
    },
    want: containers({ containers: [{ name: "mesh" }, { name: "web" }, { name: "new" }] }),
  },
  {
    name: "elements take the manager's order, for a variable may refer to an earlier one",
    sides: {
      live: containers({ containers: [{ name: "web", env: [{ name: "A" }, { name: "B" }] }] }),
      base: containers({ containers: [{ name: "web", env: [{ name: "A" }, { name: "B" }] }] }),
      mine: containers({ containers: [{ name: "web", env: [{ name: "B" }, { name: "A" }] }] }),
    },
    want: containers({ containers: [{ name: "web", env: [{ name: "B" }, { name: "A" }] }] }),
  },
  {
    name: "a conflict inside an element names it",
    sides: {
      live: containers({ containers: [{ name: "web", image: "web:1" }] }),
      mine: containers({ containers: [{ name: "web", image: "web:2" }] }),
      others: [containers({ containers: [{ name: "web", image: "web:1" }] })],
    },
    want: containers({ containers: [{ name: "web", image: "web:2" }] }),
    conflicts: ["spec.template.spec.containers[web].image"],
  },
  {
    name: "one source of a volume replaces the other",
    sides: {
      live: containers({ volumes: [{ name: "v", emptyDir: {} }] }),
      base: containers({ volumes: [{ name: "v", emptyDir: {} }] }),
      mine: containers({ volumes: [{ name: "v", configMap: { name: "c" } }] }),
    },
    want: containers({ volumes: [{ name: "v", configMap: { name: "c" } }] }),
  },
  {
    name: "a finalizer of the server survives",
    sides: {
      live: { metadata: { finalizers: ["a", "foregroundDeletion"] } },
      base: { metadata: { finalizers: ["a"] } },
      mine: { metadata: { finalizers: ["b"] } },
    },
    want: { metadata: { finalizers: ["foregroundDeletion", "b"] } },
  },
];

for (const { name, sides, want, conflicts } of rows) {
  test(`merge: ${name}`, () => {
    const merged = merge(sides);
    expect(merged.object).toEqual(deployment(want));
    expect(merged.conflicts).toEqual(conflicts ?? []);
  });
}

test("merge: one port number under two protocols is two elements", () => {
  const dns = (...ports: readonly { port: number; protocol?: string; name: string }[]): Fields =>
    fieldsOf(Service.fromPartial({ spec: { ports: [...ports] } }));
  const live = dns({ port: 53, protocol: "UDP", name: "dns" }, { port: 53, protocol: "TCP", name: "dns-tcp" });
  const mine = dns({ port: 53, protocol: "UDP", name: "dns" }, { port: 53, name: "tcp" });
  const merged = mergeThreeWay(messageSchema("Service"), { live, base: live, mine, others: [] });
  expect(merged.object).toEqual(dns({ port: 53, protocol: "UDP", name: "dns" }, { port: 53, name: "tcp" }));
});

test("relinquish: a manager overridden by force keeps the fields that were not taken", () => {
  const other = deployment({ spec: { replicas: 9, minReadySeconds: 5 }, metadata: { labels: { a: "1", b: "2" } } });
  const mine = deployment({ spec: { replicas: 3 }, metadata: { labels: { a: "x" } } });
  expect(relinquish(schema, other, mine)).toEqual(
    deployment({ spec: { minReadySeconds: 5 }, metadata: { labels: { b: "2" } } }),
  );
  expect(relinquish(schema, other, deployment({ spec: { minReadySeconds: 5 } }))).toBe(other);
});

const few = fc.constantFrom("a", "b", "c");
const env = fc.uniqueArray(fc.record({ name: few, value: few }), { selector: ({ name }) => name, maxLength: 3 });
const container = fc.record({ name: few, image: few, args: fc.array(few, { maxLength: 2 }), env });
const document: fc.Arbitrary<Partial> = fc.record({
  metadata: fc.record({ labels: fc.dictionary(few, few) }),
  spec: fc.record({
    replicas: fc.option(fc.integer({ min: 0, max: 3 }), { nil: undefined }),
    minReadySeconds: fc.integer({ min: 0, max: 1 }),
    template: fc.record({
      spec: fc.record({
        containers: fc.uniqueArray(container, { selector: ({ name }) => name, maxLength: 3 }),
        nodeSelector: fc.dictionary(few, few),
      }),
    }),
  }),
});

test("law: after any sequence of applies by one manager the object is the last document", () => {
  fc.assert(
    fc.property(fc.array(document, { minLength: 1, maxLength: 6 }), (documents) => {
      let live = deployment({});
      let base: Fields | undefined;
      for (const mine of documents.map(deployment)) {
        live = mergeThreeWay(schema, { live, base, mine, others: [] }).object;
        base = mine;
      }
      expect(live).toEqual(base);
    }),
  );
});

test("law: merging again what was merged returns the very same object, whatever edits and other managers there are", () => {
  fc.assert(
    fc.property(
      document,
      fc.option(document, { nil: undefined }),
      document,
      fc.array(document),
      (live, base, mine, others) => {
        const once = merge({ live, base, mine, others });
        const again = mergeThreeWay(schema, {
          live: fieldsOf(once.object),
          base: deployment(mine),
          mine: deployment(mine),
          others: others.map(deployment),
        });
        expect(again.object).toBe(once.object);
        expect(again.conflicts).toEqual([]);
      },
    ),
  );
});

test("law: two managers that agree on nothing they share end where both documents hold", () => {
  fc.assert(
    fc.property(fc.array(document, { maxLength: 4 }), fc.array(document, { maxLength: 4 }), (web, ops) => {
      // Ops owns other label keys than web, so neither may ever disturb the other.
      const opsOf = (partial: Partial): Fields =>
        deployment({ metadata: { annotations: { ...partial.metadata?.labels } as Record<string, string> } });
      let live = deployment({});
      const bases: [Fields | undefined, Fields | undefined] = [undefined, undefined];
      for (let turn = 0; turn < 4; turn++) {
        const mine = [deployment(web[turn] ?? {}), opsOf(ops[turn] ?? {})] as const;
        live = mergeThreeWay(schema, {
          live,
          base: bases[0],
          mine: mine[0],
          others: bases[1] ? [bases[1]] : [],
        }).object;
        bases[0] = mine[0];
        live = mergeThreeWay(schema, { live, base: bases[1], mine: mine[1], others: [mine[0]] }).object;
        bases[1] = mine[1];
        const { annotations, labels } = Deployment.fromPartial(live).metadata ?? {};
        expect(annotations ?? {}).toEqual(Deployment.fromPartial(mine[1]).metadata?.annotations ?? {});
        expect(labels ?? {}).toEqual(Deployment.fromPartial(mine[0]).metadata?.labels ?? {});
      }
    }),
  );
});
