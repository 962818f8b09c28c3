import fc from "fast-check";
import { expect, test } from "vitest";
import { simUsers } from "../../test/kit/sim-users.js";
import { nodeIdRange, PodIds } from "./pod-ids.js";
import { PodNamespaces } from "./pod-namespaces.js";

const SIZE = 65_536;

// What the host's files say, and what of it is taken.
const files = [
  { name: "nothing", text: "root:100000:65536\n", want: { first: 1_879_048_192, count: 262_144_000 } },
  { name: "a range", text: "root:100000:65536\ntallship:131072:655360\n", want: { first: 131_072, count: 655_360 } },
];

for (const { name, text, want } of files) {
  test(`id range: ${name}`, () => expect(nodeIdRange(text, text)).toEqual(want));
}

// Ids of the host's own users, too few for one pod, and users and groups that differ.
const refused = [
  { name: "the host's own ids", users: "tallship:1000:65536", groups: "tallship:1000:65536", why: "not below 65536" },
  { name: "too few", users: "tallship:100000:1000", groups: "tallship:100000:1000", why: "want at least 65536" },
  { name: "users alone", users: "tallship:100000:65536", groups: "", why: "the same range" },
  { name: "others", users: "tallship:100000:65536", groups: "tallship:200000:65536", why: "the same range" },
];

for (const { name, users, groups, why } of refused) {
  test(`id range: ${name} is refused`, () => expect(() => nodeIdRange(users, groups)).toThrow(why));
}

test("no two pods share an id, whoever comes, goes and claims again, and over the agent's death", async () => {
  const uid = fc.constantFrom("a", "b", "c", "d", "e");
  const step = fc.record({ act: fc.constantFrom("claim", "release", "die"), uid });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const edges = simUsers();
      let ids = new PodIds(edges);
      const held = new Map<string, number>();
      for (const { act, uid: pod } of steps) {
        if (act === "die") ids = new PodIds(edges);
        if (act === "release") {
          await ids.release(pod);
          held.delete(pod);
        }
        if (act !== "claim") continue;
        const { first, count } = await ids.claim(pod);
        expect(held.get(pod) ?? first).toBe(first);
        for (const [other, taken] of held)
          if (other !== pod) expect(Math.abs(taken - first)).toBeGreaterThanOrEqual(count);
        held.set(pod, first);
      }
      expect(ids.pods()).toEqual([...held.keys()].sort());
    }),
  );
});

test("on a full disk a range stays the pod's, and nobody else's, until it can be written that it is not", async () => {
  const edges = { ...simUsers(), range: { first: 100_000, count: SIZE } };
  let isFull = false;
  const full = {
    ...edges,
    save: (held: ReadonlyMap<string, number>) => (isFull ? Promise.reject(new Error("no room")) : edges.save(held)),
  };
  const ids = new PodIds(full);
  await ids.claim("old");
  isFull = true;
  await expect(ids.release("old")).rejects.toMatchObject({ code: "disk_failed" });
  await expect(ids.claim("new")).rejects.toMatchObject({ code: "resource_exhausted" });
  await ids.release("never-had-any");
  isFull = false;
  await ids.release("old");
  expect([...edges.load().keys()]).toEqual([]);
  expect((await ids.claim("new")).first).toBe(100_000);
});

test("a pod that claims its range again while it is given back keeps it", async () => {
  const ids = new PodIds({ ...simUsers(), range: { first: 100_000, count: 2 * SIZE } });
  const { first } = await ids.claim("back");
  const releasing = ids.release("back");
  expect((await ids.claim("back")).first).toBe(first);
  await releasing;
  expect(ids.of("back")?.first).toBe(first);
  expect((await ids.claim("other")).first).not.toBe(first);
});

test("ranges of a former setting are not given out in part", async () => {
  const edges = { ...simUsers(), range: { first: 100_000, count: 3 * SIZE } };
  await edges.save(new Map([["old", 100_000 + SIZE / 2]]));
  const ids = new PodIds(edges);
  expect((await ids.claim("new")).first).toBe(100_000 + 2 * SIZE);
  await expect(ids.claim("more")).rejects.toMatchObject({ code: "resource_exhausted" });
});

test("where the host refuses, only pods that ask for ids of their own are refused, and the node says why", async () => {
  const namespaces = new PodNamespaces(simUsers("the kernel refuses: no"));
  const pod = (hostUsers?: boolean) => ({ spec: { hostUsers } }) as Parameters<PodNamespaces["make"]>[1];
  expect(await namespaces.make("a", pod())).toBeUndefined();
  expect(await namespaces.make("b", pod(true))).toBeUndefined();
  await expect(namespaces.make("c", pod(false))).rejects.toMatchObject({ code: "failed_precondition" });
  expect(namespaces.pods()).toEqual([]);
  expect(namespaces.conditions()).toMatchObject([{ type: "UserNamespacesUnavailable", status: "True" }]);
});
