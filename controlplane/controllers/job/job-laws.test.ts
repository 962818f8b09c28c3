import fc from "fast-check";
import { expect, test } from "vitest";
import { metaOf } from "../../../kinds/object.js";
import { isDeleting, isPodActive } from "../../../kinds/pod-state.js";
import type { Pod } from "../../../proto/gen/tallship/v1/pod.js";
import { JobWorld } from "../../../test/kit/job-world.js";
import { indexOf, isStopped, isTerminating } from "./tracking.js";

const event = fc.oneof(
  fc.record({ do: fc.constant("run" as const), at: fc.nat({ max: 9 }) }),
  fc.record({ do: fc.constant("succeed" as const), at: fc.nat({ max: 9 }) }),
  fc.record({ do: fc.constant("fail" as const), at: fc.nat({ max: 9 }), exitCode: fc.constantFrom(1, 7) }),
  fc.record({ do: fc.constant("delete" as const), at: fc.nat({ max: 9 }) }),
  fc.record({ do: fc.constant("confirm" as const), at: fc.nat({ max: 9 }) }),
  fc.record({ do: fc.constant("suspend" as const), isOn: fc.boolean() }),
  fc.record({ do: fc.constant("parallelism" as const), count: fc.nat({ max: 5 }) }),
  fc.record({ do: fc.constant("wait" as const), ms: fc.constantFrom(5, 200, 11_000, 45_000) }),
);
type Event = typeof event extends fc.Arbitrary<infer T> ? T : never;

const specs = fc.record({
  isIndexed: fc.boolean(),
  completions: fc.integer({ min: 1, max: 5 }),
  parallelism: fc.integer({ min: 1, max: 4 }),
  podReplacementPolicy: fc.constantFrom("TerminatingOrFailed", "Failed"),
  isPerIndex: fc.boolean(),
});

/** What really happened to the pods, beside what the job says. */
class Truth {
  readonly succeeded = new Set<string>();
  readonly doneIndexes = new Set<number>();
}

async function happen(world: JobWorld, truth: Truth, each: Event): Promise<void> {
  const pods = world.pods().filter((pod) => pod.status?.phase !== "Succeeded" && pod.status?.phase !== "Failed");
  const pod = "at" in each ? pods[each.at % Math.max(1, pods.length)] : undefined;
  if (each.do === "wait") await world.control.clock.advance(each.ms);
  if (each.do === "suspend") await world.edit({ suspend: each.isOn });
  if (each.do === "parallelism") await world.edit({ parallelism: each.count });
  if (pod === undefined) return;
  if (each.do === "run" && isPodActive(pod)) await world.run(pod);
  if (each.do === "succeed" && isPodActive(pod)) await succeed(world, truth, pod);
  if (each.do === "fail" && isPodActive(pod)) await world.end(pod, { phase: "Failed", exitCode: each.exitCode });
  if (each.do === "delete") await world.remove(pod);
  if (each.do === "confirm" && isDeleting(pod)) await world.remove(pod, 0);
}

async function succeed(world: JobWorld, truth: Truth, pod: Pod): Promise<void> {
  truth.succeeded.add(metaOf(pod).uid);
  truth.doneIndexes.add(indexOf(pod) ?? -1);
  await world.end(pod, { phase: "Succeeded" });
}

test("whatever happens, a job holds its bounds, counts every pod once, and comes to rest at an end", async () => {
  await fc.assert(
    fc.asyncProperty(specs, fc.array(event, { maxLength: 25 }), async (spec, events) => {
      const { isIndexed, isPerIndex, ...rest } = spec;
      const world = await JobWorld.open();
      const truth = new Truth();
      let mostActive = rest.parallelism;
      await world.start({
        ...rest,
        completionMode: isIndexed ? "Indexed" : "NonIndexed",
        backoffLimit: 1_000,
        backoffLimitPerIndex: isIndexed && isPerIndex ? 100 : undefined,
      });
      const check = (): void => {
        const { status } = world.job() ?? {};
        const active = world.active();
        const going = world.pods().filter((pod) => isTerminating(pod) && !isStopped(pod));
        // Until the controller has seen a smaller number the pods of the larger one stand.
        expect(active.length).toBeLessThanOrEqual(mostActive);
        if (spec.podReplacementPolicy === "Failed")
          expect(active.length + going.length).toBeLessThanOrEqual(mostActive);
        expect(status?.succeeded ?? 0).toBeLessThanOrEqual(truth.succeeded.size);
        expect((status?.succeeded ?? 0) + (status?.failed ?? 0)).toBeLessThanOrEqual(status?.nextOrdinal ?? 0);
        const indexes = world.indexes();
        if (isIndexed) expect(new Set(indexes).size).toBe(indexes.length);
      };
      for (const each of events) {
        await happen(world, truth, each);
        if (each.do === "parallelism") mostActive = Math.max(mostActive, each.count);
        check();
      }
      mostActive = Math.max(mostActive, 2);
      await world.edit({ suspend: false, parallelism: 2 });
      for (let turn = 0; turn < 60 && world.job()?.status?.completionTime === ""; turn += 1) {
        await world.control.clock.advance(700_000);
        for (const pod of world.pods().filter(isDeleting)) await world.remove(pod, 0);
        for (const pod of world.active()) await succeed(world, truth, pod);
        await world.control.converge();
        check();
      }
      await world.control.converge();
      const { status } = world.job() ?? {};
      expect(status?.completionTime).not.toBe("");
      expect(status?.active).toBe(0);
      if (isIndexed) expect(status?.succeeded).toBe(spec.completions);
      else expect(status?.succeeded).toBe(truth.succeeded.size);
      const { revision } = world.control.view;
      await world.control.clock.advance(60_000);
      expect(world.control.view.revision).toBe(revision);
      world.control.stop.abort();
    }),
    { seed: 5, numRuns: 80 },
  );
});
