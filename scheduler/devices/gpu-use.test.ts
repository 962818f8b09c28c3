import { expect, test } from "vitest";
import { nodeOf, type PodParts, podOf, snapshotOf } from "../../test/kit/schedule-world.js";
import { gpuUse } from "./gpu-use.js";

const gpus = (count: number) => Array.from({ length: count }, (_, at) => ({ name: `nvidia.com/gpu=${at}` }));
const shareOf = (milli: string): PodParts => ({ requests: { "tallship.dev/gpu-milli": milli, cpu: "1" } });

function useOf(pods: readonly PodParts[], cpu = "64") {
  const node = nodeOf({ devices: gpus(2), allocatable: { cpu, memory: "64Gi", pods: "110" } });
  return gpuUse(snapshotOf([node], { "node-a": pods.map(podOf) }), 0);
}

test("a node without GPUs has no use of them; one that is full has nothing that could be of no use", () => {
  expect(gpuUse(snapshotOf([nodeOf()]), 0)).toBeUndefined();
  expect(useOf([{ requests: { "nvidia.com/gpu": "2" } }])).toEqual({
    count: 2,
    allocated: 2,
    fragmentation: undefined,
  });
});

test("shares count as parts, and what is left of a GPU that is broken into is of less use than a whole one", () => {
  const broken = useOf([shareOf("250"), shareOf("250")]);
  const whole = useOf([{ requests: { "nvidia.com/gpu": "1", cpu: "1" } }]);
  expect([broken?.allocated, whole?.allocated]).toEqual([0.5, 1]);
  expect(broken?.fragmentation ?? 0).toBeGreaterThan(0);
  expect(useOf([])?.fragmentation).toBeLessThan(broken?.fragmentation ?? 0);
});

test("GPUs without cores beside them are of no use at all", () => {
  expect(useOf([{ requests: { "nvidia.com/gpu": "1", cpu: "64" } }])?.fragmentation).toBe(1);
});
