import { expect, test } from "vitest";
import { type CdiFile, catalogOf } from "./cdi-catalog.js";
import { inventoryOf } from "./device-inventory.js";

const file = (path: string, rank: number, devices: Readonly<Record<string, readonly string[]>>): CdiFile => ({
  path,
  rank,
  content: {
    is: "text",
    text: JSON.stringify({
      cdiVersion: "0.6.0",
      kind: "a.b/gpu",
      devices: Object.entries(devices).map(([name, paths]) => ({
        name,
        containerEdits: { env: [`FROM=${path}`], deviceNodes: paths.map((at) => ({ path: at })) },
      })),
    }),
  },
});

const envOf = (files: readonly CdiFile[], name: string) =>
  catalogOf(files).kinds.get("a.b/gpu")?.get(name)?.edits.at(-1)?.env;

test("a device of the later folder stands for the one of the earlier, whatever the order of the files", () => {
  const files = [file("/etc/cdi/a.json", 0, { "0": ["/dev/a"] }), file("/run/cdi/b.json", 1, { "0": ["/dev/b"] })];
  expect(envOf(files, "0")).toEqual(["FROM=/run/cdi/b.json"]);
  expect(envOf([...files].reverse(), "0")).toEqual(["FROM=/run/cdi/b.json"]);
  expect(catalogOf(files).problems).toEqual([]);
});

test("a device of two files of one folder is nobody's, and told; the others count", () => {
  const files = [
    file("/etc/cdi/a.json", 0, { "0": ["/dev/a"] }),
    file("/etc/cdi/b.json", 0, { "0": ["/dev/b"], "1": ["/dev/c"] }),
  ];
  expect(catalogOf(files).problems).toEqual(["/etc/cdi/b.json: device a.b/gpu=0 is described by /etc/cdi/a.json too"]);
  expect(inventoryOf(catalogOf(files)).get("a.b/gpu")?.names).toEqual(["1"]);
});

test("files with faults are told by name and leave the others alone", () => {
  const files: CdiFile[] = [
    { path: "/etc/cdi/b.yaml", rank: 0, content: { is: "text", text: "kind: [" } },
    { path: "/etc/cdi/c.yaml", rank: 0, content: { is: "unreadable", why: "it is no file" } },
    file("/etc/cdi/d.json", 0, { "0": [] }),
  ];
  const { problems, kinds } = catalogOf(files);
  expect(problems).toEqual([expect.stringMatching(/^\/etc\/cdi\/b.yaml:1:\d+: /), "/etc/cdi/c.yaml: it is no file"]);
  expect([...kinds.keys()]).toEqual(["a.b/gpu"]);
});

// name of the row, devices with their nodes, those that count, what a name stands for
const inventories = [
  { name: "one", devices: { "0": ["/dev/a"] }, names: ["0"], all: ["0"] },
  {
    name: "all is no further device",
    devices: { all: ["/dev/a", "/dev/b"], "0": ["/dev/a"], "1": ["/dev/b"] },
    names: ["0", "1"],
    all: ["0", "1"],
  },
  { name: "all of one", devices: { all: ["/dev/a"], "0": ["/dev/a"] }, names: ["0"], all: ["0"] },
  { name: "nothing but all", devices: { all: ["/dev/a"] }, names: ["all"], all: ["all"] },
  { name: "two names for one", devices: { "0": ["/dev/a"], uuid: ["/dev/a"] }, names: ["0"], all: ["0"] },
  {
    name: "in the order of numbers",
    devices: { "10": ["/dev/x"], "9": ["/dev/y"] },
    names: ["9", "10"],
    all: ["9", "10"],
  },
  {
    name: "several together under a name of their own",
    devices: { "0": ["/dev/a"], "1": ["/dev/b"], pair: ["/dev/a", "/dev/b"] },
    names: ["0", "1"],
    all: ["0", "1"],
  },
  {
    name: "parts of one device, which share its node",
    devices: { "0:0": ["/dev/a", "/dev/cap1"], "0:1": ["/dev/a", "/dev/cap2"] },
    names: ["0:0", "0:1"],
    all: ["0:0", "0:1"],
  },
  { name: "without nodes of their own", devices: { x: [], y: [] }, names: ["x", "y"], all: ["x", "y"] },
] as const;

for (const { name, devices, names, all } of inventories) {
  test(`devices that count: ${name}`, () => {
    const found = inventoryOf(catalogOf([file("/etc/cdi/a.json", 0, devices)])).get("a.b/gpu");
    expect(found?.names).toEqual(names);
    expect(found?.aliases.get("all")).toEqual(all);
    for (const alias of Object.keys(devices)) expect(found?.aliases.get(alias)?.length).toBeGreaterThan(0);
  });
}
