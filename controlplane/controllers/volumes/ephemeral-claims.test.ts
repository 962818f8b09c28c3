import { expect, test } from "vitest";
import { claimIn, newWorld, nodeOf, podNamed, putClaim, refusalOf } from "../../../test/kit/volume-world.js";

const scratch = (labels?: Record<string, string>) =>
  podNamed("job", "", {
    volumes: [
      {
        name: "scratch",
        ephemeral: {
          volumeClaimTemplate: {
            ...(labels === undefined ? {} : { metadata: { labels } }),
            spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
          },
        },
      },
    ],
  });

test("an ephemeral volume is a claim of the pod's own, bound where the pod runs", async () => {
  const world = await newWorld();
  await world.put({ kind: "Pod", object: scratch({ kind: "scratch" }) });
  await world.converge();
  expect(nodeOf(world, "job")).toMatch(/^node-/);
  expect(claimIn(world, "job-scratch")).toMatchObject({
    metadata: { labels: { kind: "scratch" }, ownerReferences: [{ kind: "Pod", name: "job", controller: true }] },
    spec: { storageClassName: "local" },
    status: { phase: "Bound" },
  });
});

test("a claim of that name that somebody else made is not lent to the pod, which says so", async () => {
  const world = await newWorld();
  await putClaim(world, "job-scratch");
  await world.put({ kind: "Pod", object: scratch() });
  await world.converge();
  expect(nodeOf(world, "job")).toBe("");
  expect(refusalOf(world, "job")).toContain("PVC default/job-scratch was not created for pod default/job");
  expect(claimIn(world, "job-scratch")?.metadata?.ownerReferences).toEqual([]);
});

test("a template without labels does", async () => {
  const world = await newWorld();
  await world.put({ kind: "Pod", object: scratch() });
  await world.converge();
  expect(claimIn(world, "job-scratch")?.status?.phase).toBe("Bound");
});
