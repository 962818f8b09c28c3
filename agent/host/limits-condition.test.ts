import { expect, test } from "vitest";
import { ociResources } from "../oci/resources.js";
import { hugepagesNotLimited, hugepagesOf, limitsConditions } from "./limits-condition.js";

const all = { swap: true, hugepages: true };
const none = { swap: false, hugepages: false };

test("a node tells only of what it has and cannot limit", () => {
  const types = (...of: Parameters<typeof limitsConditions>): readonly string[] =>
    limitsConditions(...of).map(({ type }) => type);
  const host = { hasSwap: true, hugepages: { "hugepages-2Mi": "8Mi" } };
  expect(types(host, all)).toEqual([]);
  expect(types({}, none)).toEqual([]);
  expect(types(host, none)).toEqual(["SwapNotLimited", "HugepagesNotLimited"]);
});

test("huge pages are named as Kubernetes names them", () =>
  expect(hugepagesOf({ "hugepages-2048kB": 4, "hugepages-1048576kB": 2, "hugepages-64kB": 0, other: 3 })).toEqual({
    "hugepages-2Mi": "8Mi",
    "hugepages-1Gi": "2Gi",
  }));

test("a pod that asks for huge pages is told where nobody counts them, and no other is", () => {
  expect(hugepagesNotLimited({ memory: "1Gi" }, none)).toBeUndefined();
  expect(hugepagesNotLimited({ "hugepages-2Mi": "4Mi" }, all)).toBeUndefined();
  expect(hugepagesNotLimited({ "hugepages-2Mi": "4Mi" }, none)).toMatch(/^hugepages-2Mi: .* no hugetlb/);
});

// Memory and swap in one limit means no swap; pages are named as the kernel's files are.
test("limits of swap and huge pages are asked for only where the kernel counts them", () => {
  const limits = { memory: "64Mi", "hugepages-2Mi": "4Mi", "hugepages-1Gi": "1Gi" };
  const of = (counts: typeof all) =>
    ociResources({ limits, requests: {}, claims: [] }, { isPrivileged: false, counts });
  const memory = 67_108_864;
  expect(of(all)).toMatchObject({
    memory: { limit: memory, swap: memory },
    hugepageLimits: [
      { pageSize: "2MB", limit: 4_194_304 },
      { pageSize: "1GB", limit: 1_073_741_824 },
    ],
  });
  expect(of(none)).toMatchObject({ memory: { limit: memory } });
  expect(of(none).memory).not.toHaveProperty("swap");
  expect(of(none)).not.toHaveProperty("hugepageLimits");
});
