import { expect, test } from "vitest";
import { metaOf } from "../../../kinds/object.js";
import { STARTS, STOPPED } from "../../../kinds/power.js";
import { Deployment } from "../../../proto/gen/tallship/v1/deployment.js";
import { Pod } from "../../../proto/gen/tallship/v1/pod.js";
import type { ControlWorld } from "../../../test/kit/control-world.js";
import {
  change,
  condition,
  deploymentOf,
  finish,
  newWorld,
  pods,
  sizes,
  status,
} from "../../../test/kit/deployment-world.js";

const names = (world: ControlWorld): readonly string[] =>
  pods(world)
    .map((pod) => metaOf(pod).name)
    .sort();

/** What a user's stop writes of an object, and takes away. */
async function annotate(world: ControlWorld, isStopped: boolean): Promise<void> {
  await world.edit("Deployment", "web", (live) => {
    const { [STOPPED]: _, ...others } = metaOf(live).annotations;
    const annotations = isStopped ? { ...others, [STOPPED]: "" } : others;
    return Deployment.fromPartial({ ...live, metadata: { ...metaOf(live), annotations } });
  });
}

/** Stops all pods, and has their nodes say so. */
async function stop(world: ControlWorld): Promise<void> {
  await annotate(world, true);
  for (const { metadata } of pods(world))
    await world.edit("Pod", metadata?.name ?? "", (live) =>
      Pod.fromPartial({
        ...live,
        metadata: { ...metaOf(live), annotations: { ...metaOf(live).annotations, [STOPPED]: "" } },
        status: { phase: "Failed", conditions: [{ type: "Ready", status: "False" }] },
      }),
    );
  await world.converge();
}

test("pods that are stopped are kept and counted; one that is lost meanwhile is replaced by one that waits for the start as well", async () => {
  const world = await newWorld();
  await world.put({ kind: "Deployment", object: deploymentOf({ replicas: 2 }) });
  await finish(world, () => true);
  const before = names(world);
  await stop(world);
  expect(names(world)).toEqual(before);
  expect(status(world)).toMatchObject({ replicas: 2, updatedReplicas: 2, readyReplicas: 0 });
  await world.drop({ kind: "Pod", namespace: "default", name: before[0] ?? "" });
  await world.converge();
  const [fresh] = pods(world).filter((pod) => !before.includes(metaOf(pod).name));
  expect(names(world)).toHaveLength(2);
  expect(fresh?.metadata?.annotations[STOPPED]).toBe("");
});

test("a pod that is started keeps its place until its node has begun with it, and none is made beside it", async () => {
  const world = await newWorld();
  await world.put({ kind: "Deployment", object: deploymentOf({ replicas: 2 }) });
  await finish(world, () => true);
  const before = names(world);
  await stop(world);
  await annotate(world, false);
  const edit = async (change: (live: Pod) => Parameters<typeof Pod.fromPartial>[0]): Promise<void> => {
    for (const name of before) await world.edit("Pod", name, (live) => Pod.fromPartial(change(live)));
    await world.converge();
  };
  await edit((live) => {
    const { [STOPPED]: _, ...others } = metaOf(live).annotations;
    return { ...live, metadata: { ...metaOf(live), annotations: { ...others, [STARTS]: "1" } } };
  });
  expect(names(world)).toEqual(before);
  await edit((live) => ({ ...live, status: { phase: "Pending", starts: 1 } }));
  expect(names(world)).toEqual(before);
  // Once that start has ended too, it is over as any other.
  await edit((live) => ({ ...live, status: { phase: "Failed", starts: 1 } }));
  expect(names(world)).toHaveLength(4);
});

test("a roll-out that is stopped misses no deadline, and has its time anew once it is started", async () => {
  const world = await newWorld();
  await world.put({ kind: "Deployment", object: deploymentOf({ replicas: 2, spec: { progressDeadlineSeconds: 60 } }) });
  await finish(world, () => true);
  await change(world, { image: "broken:1" });
  await finish(world, (pod) => pod.spec?.containers[0]?.image !== "broken:1");
  await stop(world);
  await world.clock.advance(300_000);
  expect(condition(world, "Progressing")?.reason).toBe("DeploymentPaused");
  await annotate(world, false);
  await world.clock.advance(30_000);
  expect(condition(world, "Progressing")?.reason).toBe("DeploymentResumed");
  for (const { metadata } of pods(world))
    await world.edit("Pod", metadata?.name ?? "", (live) => {
      const { [STOPPED]: _, ...others } = metaOf(live).annotations;
      return Pod.fromPartial({
        ...live,
        metadata: { ...metaOf(live), annotations: { ...others, [STARTS]: "1" } },
        status: { phase: "Running" },
      });
    });
  await world.clock.advance(70_000);
  expect(condition(world, "RolledBack")?.status).toBe("True");
  await finish(world, (pod) => pod.spec?.containers[0]?.image !== "broken:1");
  expect(sizes(world)).toMatchObject({ "web:1": 2 });
});
