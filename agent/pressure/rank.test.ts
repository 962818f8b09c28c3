import fc from "fast-check";
import { expect, test } from "vitest";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { evictionMessage, isCritical, type PodShare, rank } from "./rank.js";
import { SIGNALS, type StarvedResource, type Threshold } from "./thresholds.js";

interface Parts {
  readonly used: number;
  readonly request?: number;
  readonly priority?: number;
  readonly annotations?: Readonly<Record<string, string>>;
}

function share(name: string, { used, request, priority, annotations = {} }: Parts): PodShare {
  const resources =
    request === undefined ? {} : { requests: { memory: `${request}`, "ephemeral-storage": `${request}` } };
  const pod = Pod.fromPartial({
    metadata: { name, namespace: "default", uid: name, annotations },
    spec: { containers: [{ name: "main", resources }], ...(priority !== undefined && { priority }) },
  });
  return { uid: name, pod, used, byContainer: new Map([["main", used]]) };
}

const order = (shares: readonly PodShare[], resource: StarvedResource = "memory") =>
  rank(shares, resource).map(({ uid }) => uid);

// Each row turns on one rule that the ones before it leave open.
const rows = [
  {
    name: "who uses more than it asked for goes before who does not, however much that is",
    shares: [share("big", { used: 900, request: 1000 }), share("over", { used: 20, request: 10 })],
    want: ["over", "big"],
  },
  {
    name: "of those the least priority",
    shares: [share("high", { used: 90, priority: 10 }), share("low", { used: 10, priority: -1 })],
    want: ["low", "high"],
  },
  {
    name: "of those the furthest over what it asked for",
    shares: [share("a", { used: 90, request: 80 }), share("b", { used: 30, request: 5 }), share("c", { used: 20 })],
    want: ["b", "c", "a"],
  },
  {
    name: "names decide between equals",
    shares: [share("b", { used: 5 }), share("a", { used: 5 })],
    want: ["a", "b"],
  },
  {
    name: "what the cluster cannot do without stays",
    shares: [share("dns", { used: 900, priority: 2_000_000_000 }), share("web", { used: 1 })],
    want: ["web"],
  },
  {
    name: "so does what the host itself asked for",
    shares: [share("static", { used: 900, annotations: { "kubernetes.io/config.source": "file" } })],
    want: [],
  },
];
test.each(rows)("$name", ({ shares, want }) => {
  expect(order(shares)).toEqual(want);
  expect(order([...shares].reverse())).toEqual(want);
});

test("of process ids the number decides, among equal priorities", () => {
  const shares = [share("quiet", { used: 3 }), share("bomb", { used: 4000 }), share("low", { used: 1, priority: -5 })];
  expect(order(shares, "pids")).toEqual(["low", "bomb", "quiet"]);
});

test("no order of the pods changes who goes; nobody critical goes; nobody within its request goes before one beyond", () => {
  const parts = fc.record({
    used: fc.nat(100),
    request: fc.option(fc.nat(100), { nil: undefined }),
    priority: fc.constantFrom(-1, 0, 5, 2_000_000_000),
  });
  fc.assert(
    fc.property(fc.array(parts, { maxLength: 12 }), fc.nat(), (all, turn) => {
      const shares = all.map(({ request, ...rest }, at) =>
        share(`p${at}`, { ...rest, ...(request !== undefined && { request }) }),
      );
      const at = turn % Math.max(1, shares.length);
      const ranked = rank(shares, "memory");
      expect(order([...shares.slice(at), ...shares.slice(0, at)])).toEqual(ranked.map(({ uid }) => uid));
      expect(ranked.some(({ pod }) => isCritical(pod))).toBe(false);
      const isOver = ranked.map(({ used, uid }) => used > (all[Number(uid.slice(1))]?.request ?? 0));
      expect(isOver).toEqual([...isOver].sort((left, right) => Number(right) - Number(left)));
    }),
  );
});

test("the culprit is told as Kubernetes tells it", () => {
  const threshold: Threshold = {
    ...{ signal: "memory.available", graceMs: 0, reclaim: undefined },
    least: { text: "100Mi", of: () => 104_857_600 },
  };
  const hog = share("hog", { used: 209_715_200, request: 1_048_576 });
  expect(SIGNALS[threshold.signal].resource).toBe("memory");
  expect(evictionMessage(hog, { threshold, stock: { available: 52_428_900, capacity: 1e9 } })).toBe(
    "The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. " +
      "Container main was using 200Mi, request is 1Mi, has larger consumption of memory. ",
  );
});
