import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { asTallshipError } from "../../lib/errors.js";
import { parseCdiSpec } from "./cdi-spec.js";

const NVIDIA = readFileSync(new URL("testdata/nvidia.yaml", import.meta.url), "utf8");

test("a file of NVIDIA's own tool is read whole", () => {
  const { kind, devices, edits } = parseCdiSpec(NVIDIA, "nvidia.yaml");
  expect(kind).toBe("nvidia.com/gpu");
  expect(devices.map(({ name }) => name)).toEqual(["0", "GPU-9e1c1a2b", "1", "all"]);
  expect(devices[0]?.edits).toMatchObject({
    deviceNodes: [{ path: "/dev/nvidia0", hostPath: "/dev/nvidia0", major: 195, minor: 0, fileMode: 0o666 }],
    additionalGids: [44],
  });
  expect(edits.hooks[0]).toMatchObject({ hookName: "createContainer", path: "/usr/bin/nvidia-cdi-hook" });
  expect(edits.mounts[0]).toMatchObject({ containerPath: "/usr/bin/nvidia-smi", type: undefined });
  expect(edits.deviceNodes[0]?.permissions).toBe("rw");
});

test("JSON is read as YAML is", () => {
  const text = `{"cdiVersion":"0.6.0","kind":"a.b/c","devices":[{"name":"x","containerEdits":{"env":["A=1"]}}]}`;
  expect(parseCdiSpec(text, "a.json").devices[0]?.edits.env).toEqual(["A=1"]);
});

const of = (edits: string, rest = "") =>
  `cdiVersion: 0.6.0\nkind: a.b/c\n${rest}devices:\n  - name: x\n    containerEdits: {${edits}}\n`;

// Each is what somebody has got wrong in such a file; the sentence has to lead there.
const broken = [
  { name: "nothing", text: "", want: "d.yaml: the file is empty" },
  { name: "no YAML", text: "a: [", want: /^d.yaml:1:\d+: / },
  { name: "no map", text: "- a", want: "d.yaml:1:1: a map is wanted" },
  { name: "no version", text: "kind: a.b/c\ndevices: []", want: "d.yaml:1:1: cdiVersion is missing" },
  {
    name: "a version to come",
    text: "cdiVersion: 9.0.0\nkind: a.b/c\ndevices: []",
    want: /^d.yaml:1:13: cdiVersion 9.0.0 is not known: 0.1.0/,
  },
  {
    name: "a kind without vendor",
    text: "cdiVersion: 0.6.0\nkind: gpu\ndevices: []",
    want: 'd.yaml:2:7: want vendor/class, found "gpu"',
  },
  { name: "no devices", text: "cdiVersion: 0.6.0\nkind: a.b/c\ndevices: []", want: "d.yaml:3:10: devices is empty" },
  {
    name: "a device twice",
    text: `${of("env: [A=1]")}  - name: x\n    containerEdits: {env: [A=2]}\n`,
    want: "d.yaml:6:11: device x is described twice",
  },
  { name: "an unknown field", text: of("mount: []"), want: /^d.yaml:5:22: unknown field "mount"; known: env, / },
  { name: "a variable without value", text: of("env: [A]"), want: 'd.yaml:5:28: env: want NAME=value, found "A"' },
  {
    name: "a relative path",
    text: of("deviceNodes: [{path: dev/x}]"),
    want: 'd.yaml:5:43: path: want an absolute path without "..", found "dev/x"',
  },
  {
    name: "a path that leaves",
    text: of("mounts: [{hostPath: /a, containerPath: /b/../../c}]"),
    want: /containerPath: want an absolute path/,
  },
  { name: "a type that is none", text: of("deviceNodes: [{path: /dev/x, type: d}]"), want: /type: want b, c, u or p/ },
  {
    name: "a negative number",
    text: of("deviceNodes: [{path: /dev/x, minor: -1}]"),
    want: /minor is not a whole number/,
  },
  {
    name: "a moment that is none",
    text: of("hooks: [{hookName: later, path: /x}]"),
    want: /hookName: want one of prestart/,
  },
  { name: "network devices", text: of("netDevices: [{}]"), want: /network devices cannot be given/ },
  { name: "many aliases", text: `a: &a [1]\nb: *a\n`, want: /unknown field "a"/ },
] as const;

for (const { name, text, want } of broken) {
  test(`a CDI file is refused with its place: ${name}`, () => {
    let message = "";
    try {
      parseCdiSpec(text, "d.yaml");
    } catch (error) {
      message = asTallshipError(error).message;
    }
    expect(message).toMatch(
      want instanceof RegExp ? want : new RegExp(`^${want.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&")}`),
    );
  });
}
