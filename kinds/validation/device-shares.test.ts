import { expect, test } from "vitest";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { validate } from "./validate.js";

// What can be asked of a shared device, and what is a mistake that nobody would find later.
const rows = [
  { name: "memory of a device", limits: { "tallship.dev/gpu-memory": "10Gi" }, want: [] },
  { name: "half a device", limits: { "tallship.dev/gpu-milli": "500", "tallship.dev/gpu-memory": "8Gi" }, want: [] },
  {
    name: "more than a device",
    limits: { "tallship.dev/gpu-milli": "1500" },
    want: ["want at most 1000, which is one device, found 1500; more are asked for whole, as nvidia.com/gpu: 2"],
  },
  {
    name: "a share beside a whole one",
    limits: { "nvidia.com/gpu": "1", "tallship.dev/gpu-milli": "500" },
    want: ["not beside nvidia.com/gpu: a pod's devices are whole ones, or one that it shares"],
  },
  { name: "a share beside none", limits: { "nvidia.com/gpu": "0", "tallship.dev/gpu-milli": "500" }, want: [] },
  {
    name: "annotations",
    limits: {},
    annotations: { "tallship.dev/gpu-model": " | ", "tallship.dev/numa": "both" },
    want: ['want single, found "both"', 'want models such as A100|H100, found " | "'],
  },
] as const;

for (const { name, limits, want, ...more } of rows) {
  test(`shares of devices: ${name}`, () => {
    const object = Pod.fromPartial({
      metadata: { name: "p", namespace: "n", annotations: "annotations" in more ? more.annotations : {} },
      spec: { containers: [{ name: "m", image: "i", resources: { limits, requests: limits } }] },
    });
    expect(validate({ kind: "Pod", object }).map(({ message }) => message)).toEqual(want);
  });
}
