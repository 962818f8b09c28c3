import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeObject, type Typed } from "../../../kinds/object.js";
import { messageSchema } from "../../../kinds/schema.js";
import { Deployment } from "../../../proto/gen/tallship/v1/deployment.js";
import { ADMIN, type ApiBench, openApiBench } from "../../../test/kit/api-bench.js";
import { type Fields, fieldsOf } from "../merge/fields.js";
import { mergeThreeWay } from "../merge/three-way.js";

const few = fc.constantFrom("a", "b", "c");
const variables = fc.uniqueArray(fc.record({ name: few, value: few }), { selector: ({ name }) => name, maxLength: 3 });
const container = fc.record({
  name: few,
  image: fc.constantFrom("app:1", "app:2", "app:latest"),
  args: fc.array(few, { maxLength: 2 }),
  env: variables,
  resources: fc.option(
    fc.record({ limits: fc.dictionary(fc.constantFrom("cpu", "memory"), fc.constantFrom("1", "2")) }),
    {
      nil: undefined,
    },
  ),
});
const containers = fc.uniqueArray(container, { selector: ({ name }) => name, minLength: 1, maxLength: 3 });
const document = fc.record({
  labels: fc.dictionary(few, few, { maxKeys: 3 }),
  replicas: fc.option(fc.integer({ min: 0, max: 5 }), { nil: undefined }),
  minReadySeconds: fc.integer({ min: 0, max: 2 }),
  strategy: fc.constantFrom(undefined, { type: "Recreate" }, { type: "RollingUpdate" }),
  nodeSelector: fc.dictionary(few, few, { maxKeys: 2 }),
  containers,
});
type Document = typeof document extends fc.Arbitrary<infer T> ? T : never;

const deployment = ({ labels, containers: list, nodeSelector, ...spec }: Document): Typed<"Deployment"> => ({
  kind: "Deployment",
  object: Deployment.fromPartial({
    metadata: { name: "web", namespace: "default", labels },
    spec: {
      ...spec,
      selector: { matchLabels: { app: "web" } },
      template: { metadata: { labels: { app: "web" } }, spec: { containers: list, nodeSelector } },
    },
  }),
});

type Step = { readonly do: "apply" | "edit"; readonly document: Document };
const step: fc.Arbitrary<Step> = fc.record({ do: fc.constantFrom("apply" as const, "edit" as const), document });

/** Carries out a step; an edit replaces the object with another one, as `tsctl edit` and autoscalers do. */
async function run(bench: ApiBench, { do: what, document: wanted }: Step): Promise<void> {
  const typed = deployment(wanted);
  if (what === "apply") {
    const { results } = await bench.apply([typed]);
    expect(results[0]?.message).toBe("");
    return;
  }
  if ((await bench.get("Deployment", "default", "web")) === undefined) return;
  await bench.api.update({ object: Buffer.from(encodeObject(typed)), dryRun: false }, bench.as(ADMIN));
  await bench.caughtUp();
}

async function liveSpec(bench: ApiBench): Promise<Fields> {
  const live = await bench.get("Deployment", "default", "web");
  if (live?.kind !== "Deployment") throw new Error("no deployment");
  return { labels: live.object.metadata?.labels, spec: live.object.spec };
}

async function withBench(work: (bench: ApiBench) => Promise<void>): Promise<void> {
  const bench = await openApiBench();
  try {
    await work(bench);
  } finally {
    bench.close();
  }
}

test("law: after any sequence of applies and edits, the last apply's fields hold, and applying it again writes nothing", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 6 }), document, (steps, last) =>
      withBench(async (bench) => {
        for (const each of steps) await run(bench, each);
        await run(bench, { do: "apply", document: last });
        const live = await bench.get("Deployment", "default", "web");
        const mine = fieldsOf(deployment(last).object);
        const sides = { live: fieldsOf(live?.object), base: mine, mine, others: [] };
        expect(mergeThreeWay(messageSchema("Deployment"), sides).object).toBe(sides.live);
        const before = bench.etcd.revision;
        await run(bench, { do: "apply", document: last });
        expect(bench.etcd.revision).toBe(before);
      }),
    ),
    { numRuns: 60 },
  );
});

test("law: after any sequence of applies alone, the object is what the last document alone would have made", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(document, { maxLength: 6 }), document, async (documents, last) => {
      const specs: Fields[] = [];
      for (const sequence of [[...documents, last], [last]])
        await withBench(async (bench) => {
          for (const each of sequence) await run(bench, { do: "apply", document: each });
          specs.push(await liveSpec(bench));
        });
      expect(specs[0]).toEqual(specs[1]);
    }),
    { numRuns: 60 },
  );
});
