import { expect, test } from "vitest";
import { parseCdiSpec } from "./cdi-spec.js";

const spec = (ofFile: object, ofDevice: object) =>
  JSON.stringify({
    cdiVersion: "0.6.0",
    kind: "nvidia.com/gpu",
    annotations: ofFile,
    devices: [{ name: "0", annotations: ofDevice, containerEdits: { env: ["A=1"] } }],
  });

test("what a file says of all its devices holds for each that says nothing else", () => {
  const text = spec(
    { "tallship.dev/model": "A100-SXM4-40GB", "tallship.dev/memory": "40Gi", "vendor.example/x": "y" },
    { "tallship.dev/numa-node": "1", "tallship.dev/link-group": "nvlink-0", "tallship.dev/memory": "20Gi" },
  );
  expect(parseCdiSpec(text, "gpu.json").devices[0]?.facts).toEqual({
    ...{ model: "A100-SXM4-40GB", memory: "20Gi", numaNode: 1, linkGroup: "nvlink-0" },
  });
});

test.each([
  ["tallship.dev/memory", "much", 'tallship.dev/memory: want a quantity such as 40Gi, found "much"'],
  ["tallship.dev/numa-node", "-1", 'tallship.dev/numa-node: want a number, found "-1"'],
])("%s of %s is refused with its place", (name, value, want) => {
  expect(() => parseCdiSpec(spec({}, { [name]: value }), "gpu.json")).toThrow(want);
});
