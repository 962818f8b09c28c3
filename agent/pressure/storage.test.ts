import { expect, test } from "vitest";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { isBounded, type PodStorage, storageVerdict } from "./storage.js";
import { storagePauseMs } from "./watch-storage.js";

function pod(limits: Readonly<Record<string, string | undefined>>, emptyDir?: object): Pod {
  return Pod.fromPartial({
    spec: {
      containers: Object.entries(limits).map(([name, limit]) => ({
        name,
        resources: { limits: limit === undefined ? {} : { "ephemeral-storage": limit } },
      })),
      volumes: emptyDir === undefined ? [] : [{ name: "cache", emptyDir }],
    },
  });
}

const kept = (containers: Readonly<Record<string, number>>, volume = 0): PodStorage => ({
  byContainer: new Map(Object.entries(containers)),
  byVolume: new Map(volume > 0 ? [["cache", volume]] : []),
});

// Both sides of each bound, and who is bounded at all.
const rows = [
  { name: "within its limit", pod: pod({ a: "100" }), kept: kept({ a: 100 }), want: undefined },
  {
    name: "a pod over its only limit",
    pod: pod({ a: "1Mi" }),
    kept: kept({ a: 1_048_577 }),
    want: "Pod ephemeral local storage usage exceeds the total limit of containers 1Mi. ",
  },
  {
    name: "volumes count for the pod",
    pod: pod({ a: "100" }, {}),
    kept: kept({ a: 50 }, 51),
    want: "Pod ephemeral local storage usage exceeds the total limit of containers 100. ",
  },
  {
    name: "one container over its own, the pod within its sum",
    pod: pod({ a: "100", b: "100" }),
    kept: kept({ a: 101 }),
    want: 'Container a exceeded its local ephemeral storage limit "100". ',
  },
  {
    name: "a container without a limit leaves the pod without one",
    pod: pod({ a: "100", b: undefined }),
    kept: kept({ a: 100, b: 9_000 }),
    want: undefined,
  },
  {
    name: "a volume over its size",
    pod: pod({ a: undefined }, { sizeLimit: "10" }),
    kept: kept({ a: 5_000 }, 11),
    want: 'Usage of EmptyDir volume "cache" exceeds the limit "10". ',
  },
  {
    name: "a volume just within it",
    pod: pod({ a: undefined }, { sizeLimit: "10" }),
    kept: kept({}, 10),
    want: undefined,
  },
  {
    name: "one in memory is the kernel's to bound",
    pod: pod({ a: undefined }, { medium: "Memory", sizeLimit: "10" }),
    kept: kept({}, 11),
    want: undefined,
  },
];
test.each(rows)("$name", ({ pod: of, kept: has, want }) => {
  expect(storageVerdict(of, has)).toBe(want);
});

test("only pods with a bound are measured", () => {
  expect(rows.map(({ pod: of }) => isBounded(of))).toEqual([true, true, true, true, true, true, true, false]);
});

test("measuring is given a bounded share of the time", () => {
  expect([0, 100, 1_000, 60_000].map(storagePauseMs)).toEqual([10_000, 10_000, 49_000, 300_000]);
});
