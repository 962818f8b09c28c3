import fc from "fast-check";
import { expect, test } from "vitest";
import { DEVICES } from "../../kinds/devices.js";
import { GPU_MEMORY } from "../../kinds/gpu-share.js";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { type Allocation, assignDevices } from "./assign-devices.js";
import type { Inventory } from "./device-inventory.js";

const KIND = "a.b/gpu";
const inventory = (names: readonly string[]): Inventory =>
  new Map([[KIND, { names, aliases: new Map([...names.map((name) => [name, [name]] as const), ["all", names]]) }]]);

type Asked = Readonly<Record<string, number>>;
interface Spec {
  readonly containers: Asked;
  readonly inits?: Asked;
  readonly sidecars?: readonly string[];
  readonly devices?: string;
}

function podOf({ containers, inits = {}, sidecars = [], devices = "" }: Spec): Pod {
  const list = (asked: Asked) =>
    Object.entries(asked).map(([name, count]) => ({
      name,
      restartPolicy: sidecars.includes(name) ? "Always" : "",
      resources: { limits: count === 0 ? {} : { [KIND]: `${count}` } },
    }));
  return Pod.fromPartial({
    metadata: { annotations: devices === "" ? {} : { [DEVICES]: devices } },
    spec: { containers: list(containers), initContainers: list(inits) },
  });
}

const given = (allocation: Allocation): Record<string, string> =>
  Object.fromEntries(Object.entries(allocation).map(([name, all]) => [name, all.map((one) => one.name).join(" ")]));
const held = (by: Readonly<Record<string, readonly string[]>>): Allocation =>
  Object.fromEntries(Object.entries(by).map(([name, all]) => [name, all.map((one) => ({ kind: KIND, name: one }))]));

interface Row {
  readonly name: string;
  readonly spec: Spec;
  readonly has?: readonly string[];
  readonly own?: Readonly<Record<string, readonly string[]>>;
  readonly others?: readonly string[];
  readonly want: Readonly<Record<string, string>> | string;
}

const rows: readonly Row[] = [
  { name: "nothing is asked for", spec: { containers: { web: 0 } }, want: {} },
  { name: "the first ones that are free", spec: { containers: { web: 2 } }, others: ["0"], want: { web: "1 2" } },
  { name: "each container its own", spec: { containers: { a: 1, b: 1 } }, want: { a: "0", b: "1" } },
  {
    name: "too few are free",
    spec: { containers: { web: 2 } },
    others: ["0", "1"],
    want: "requested number of devices unavailable for a.b/gpu. Requested: 2, Available: 1 of 3",
  },
  { name: "what it has stays", spec: { containers: { a: 1, b: 1 } }, own: { a: ["2"] }, want: { a: "2", b: "0" } },
  { name: "what is gone is replaced", spec: { containers: { web: 1 } }, own: { web: ["9"] }, want: { web: "0" } },
  {
    name: "what a later container has is not given to an earlier one",
    spec: { containers: { a: 1, b: 1 } },
    own: { b: ["0"] },
    want: { a: "1", b: "0" },
  },
  {
    name: "those that it names",
    spec: { containers: { web: 2 }, devices: "a.b/gpu=2,a.b/gpu=0" },
    want: { web: "2 0" },
  },
  {
    name: "all of them by the name of all",
    spec: { containers: { web: 3 }, devices: "a.b/gpu=all" },
    want: { web: "0 1 2" },
  },
  {
    name: "one that it names is another's",
    spec: { containers: { web: 1 }, devices: "a.b/gpu=1" },
    others: ["1"],
    want: "requested number of devices unavailable for a.b/gpu. Requested: 1, Available: 0 of the 1 that it names",
  },
  {
    name: "one that it names is not there",
    spec: { containers: { web: 1 }, devices: "a.b/gpu=7" },
    want: "the node has no device a.b/gpu=7",
  },
  {
    name: "an init container uses what the others will have",
    spec: { containers: { web: 1 }, inits: { load: 2 } },
    want: { load: "0 1", web: "0" },
  },
  {
    name: "but not what a sidecar before it has",
    spec: { containers: { web: 1 }, inits: { proxy: 1, load: 1 }, sidecars: ["proxy"] },
    want: { proxy: "0", web: "1", load: "1" },
  },
  {
    name: "all files are gone, and another pod still has one",
    spec: { containers: { web: 1 } },
    has: [],
    others: ["0"],
    want: "requested number of devices unavailable for a.b/gpu. Requested: 1, Available: 0 of 0",
  },
  { name: "a resource that no file describes is a mere number", spec: { containers: { web: 1 } }, has: [], want: {} },
];

for (const { name, spec, has = ["0", "1", "2"], own = {}, others = [], want } of rows) {
  test(`devices of a pod: ${name}`, () => {
    const assigned = assignDevices({
      pod: podOf(spec),
      inventory: has.length === 0 ? new Map() : inventory(has),
      own: held(own),
      others: others.length === 0 ? [] : [held({ other: others })],
    });
    expect(assigned.is === "refused" ? assigned.why : given(assigned.allocation)).toEqual(want);
  });
}

test("pods share a device that is named for them, and nobody has it beside them for itself", () => {
  const sharing = (devices: string): Pod =>
    Pod.fromPartial({
      metadata: { annotations: devices === "" ? {} : { [DEVICES]: devices } },
      spec: { containers: [{ name: "web", resources: { limits: { [GPU_MEMORY]: "1Gi" } } }, { name: "side" }] },
    });
  const of = (pod: Pod, others: readonly Allocation[]) =>
    assignDevices({ pod, inventory: inventory(["0", "1"]), own: {}, others });
  const shared: Allocation = { web: [{ kind: KIND, name: "1", isShared: true }] };
  const pod = sharing("a.b/gpu=1");
  expect(of(pod, [])).toEqual({ is: "assigned", allocation: shared });
  expect(of(pod, [shared])).toEqual({ is: "assigned", allocation: shared });
  expect(of(pod, [held({ web: ["1"] })])).toEqual({ is: "refused", why: "another pod has a.b/gpu=1 for itself" });
  expect(of(sharing(""), [])).toMatchObject({ why: expect.stringContaining("nobody has said which device") });
  expect(of(podOf({ containers: { web: 2 } }), [shared])).toMatchObject({
    why: expect.stringContaining("Available: 1"),
  });
});

const specs = fc.record({
  containers: fc.record({ a: fc.nat(2), b: fc.nat(2) }),
  inits: fc.record({ i: fc.nat(3), s: fc.nat(2), j: fc.nat(3) }),
  sidecars: fc.constantFrom<readonly string[]>([], ["s"], ["i", "s"]),
});

/** As the scheduler counts: side by side, or an init container beside the sidecars before it, whichever is more. */
function needs({ containers, inits = {}, sidecars = [] }: Spec): number {
  let running = 0;
  let peak = 0;
  for (const [name, count] of Object.entries(inits)) {
    peak = Math.max(peak, running + count);
    if (sidecars.includes(name)) running += count;
  }
  return Math.max(peak, running + Object.values(containers).reduce((sum, count) => sum + count, 0));
}

const distinct = (one: Allocation): readonly string[] => [
  ...new Set(
    Object.values(one)
      .flat()
      .map(({ name }) => name),
  ),
];

test("no device is ever two pods', what fits as the scheduler counts is given, and giving twice changes nothing", () => {
  fc.assert(
    fc.property(fc.array(specs, { maxLength: 6 }), fc.nat(6), (pods, count) => {
      const names = Array.from({ length: count }, (_, at) => `${at}`);
      const inventories: Inventory = count === 0 ? new Map() : inventory(names);
      const all: Allocation[] = [];
      for (const spec of pods) {
        const pod = podOf(spec);
        const free = count - all.flatMap(distinct).length;
        const assigned = assignDevices({ pod, inventory: inventories, own: {}, others: all });
        const needed = needs(spec);
        if (count > 0) expect(assigned.is).toBe(needed <= free ? "assigned" : "refused");
        if (assigned.is === "refused") continue;
        const again = assignDevices({ pod, inventory: inventories, own: assigned.allocation, others: all });
        expect(again).toEqual(assigned);
        all.push(assigned.allocation);
      }
      const taken = all.flatMap(distinct);
      expect(new Set(taken).size).toBe(taken.length);
    }),
  );
});
