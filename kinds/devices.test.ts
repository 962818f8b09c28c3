import { expect, test } from "vitest";
import { parseDevices } from "./devices.js";

const rows = [
  { name: "none", text: "", want: [] },
  {
    name: "several, with the names that NVIDIA's own files have",
    text: "nvidia.com/gpu=0, nvidia.com/gpu=GPU-8f2e-01,nvidia.com/gpu=1:0",
    want: ["0", "GPU-8f2e-01", "1:0"],
  },
  { name: "no name", text: "nvidia.com/gpu", want: 'want vendor/class=name, found "nvidia.com/gpu"' },
  { name: "no class", text: "gpu=0", want: 'want vendor/class=name, found "gpu=0"' },
  { name: "an end that is no letter or digit", text: "a.b/c=0-", want: 'want vendor/class=name, found "a.b/c=0-"' },
  { name: "one twice", text: "a.b/c=0,a.b/c=0", want: "a.b/c=0 is named twice" },
] as const;

for (const { name, text, want } of rows) {
  test(`devices of an annotation: ${name}`, () => {
    const read = parseDevices(text);
    expect(read.is === "wrong" ? read.why : read.devices.map((one) => one.name)).toEqual(want);
  });
}
