import { expect, test } from "vitest";
import type { Pod } from "../../../proto/gen/tallship/v1/pod.js";
import type { ControlWorld } from "../../../test/kit/control-world.js";
import {
  active,
  change,
  condition,
  deploymentOf,
  finish,
  imageOf,
  newWorld,
  run,
  sizes,
  status,
} from "../../../test/kit/deployment-world.js";

/** A roll-out of one pod, whose replacement is there and has not begun. */
async function begun(container: object): Promise<{ readonly world: ControlWorld; readonly pod: Pod }> {
  const world = await newWorld();
  const spec = { progressDeadlineSeconds: 60 };
  await world.put({ kind: "Deployment", object: deploymentOf({ replicas: 1, container, spec }) });
  await finish(world);
  await change(world, { image: "web:2", container });
  await world.converge();
  const pod = active(world).find((each) => imageOf(each) === "web:2");
  if (pod === undefined) throw new Error("there is no pod of the new template");
  return { world, pod };
}

const both = { "web:1": 1, "web:2": 1 };
const replaced = { "web:1": 0, "web:2": 1 };

test("a pod that no probe asks takes no old one's place in the moment in which it runs, since it may end at once, and does once it has run a while", async () => {
  const { world, pod } = await begun({ readinessProbe: undefined });
  for (let crash = 0; crash < 3; crash += 1) {
    await run(world, pod, "True");
    await world.converge();
    // What the status counts is as in Kubernetes.
    expect(status(world)?.availableReplicas).toBe(2);
    expect(sizes(world)).toEqual(both);
    await run(world, pod, "False");
    await world.clock.advance(10_000);
    expect(sizes(world)).toEqual(both);
  }
  await run(world, pod, "True");
  await world.clock.advance(3_000);
  expect(sizes(world)).toEqual(replaced);
});

test("moments in which a pod runs that ends again and again are no progress: the roll-out misses its deadline and is taken back", async () => {
  const { world, pod } = await begun({ readinessProbe: undefined });
  for (let crash = 0; crash < 3; crash += 1) {
    await run(world, pod, "True");
    await world.converge();
    await run(world, pod, "False");
    await world.clock.advance(25_000);
  }
  expect(condition(world, "RolledBack")?.status).toBe("True");
  expect(sizes(world)).toEqual({ "web:1": 1, "web:2": 0 });
});

// Somebody says of these whether they work.
const asked = [
  { name: "a readiness probe", container: {} },
  { name: "a startup probe", container: { readinessProbe: undefined, startupProbe: { exec: { command: ["true"] } } } },
];
for (const { name, container } of asked)
  test(`a pod with ${name} counts as soon as it is ready`, async () => {
    const { world, pod } = await begun(container);
    await run(world, pod, "True");
    await world.converge(0);
    expect(sizes(world)).toEqual(replaced);
  });
