import { describe, expect, test } from "vitest";
import { DaemonSetSpec } from "../../../proto/gen/tallship/v1/daemonset.js";
import { boundsOf, type DaemonBounds, type DaemonPod, type NodeState, stepsFor } from "./steps.js";

const NOW_MS = 1_000_000;

/** A pod by letters: n new, o old; + available, * since a moment, - not ready; x being deleted, f ended long ago, F ended at once. */
function pod(node: string, text: string, at: number): DaemonPod {
  return {
    name: `${node}.${text}`,
    isCurrent: text.startsWith("n"),
    isReady: /[+*]/.test(text),
    isAvailable: /[+*]/.test(text),
    isSteady: text.includes("+"),
    isDeleting: text.includes("x"),
    isFinished: /[fF]/.test(text),
    createdAtMs: text.includes("F") ? NOW_MS - 2_000 : NOW_MS - 60_000 + at,
  };
}

/** Nodes a, b, c… by the pods on each; "!" before them: not wanted, "~": kept. */
const nodesOf = (texts: readonly string[]): readonly NodeState[] =>
  texts.map((text, at) => {
    const name = String.fromCharCode(97 + at);
    const words = text
      .replace(/[!~]/, "")
      .split(" ")
      .filter((word) => word !== "");
    const place = text.startsWith("!") ? "unwanted" : text.startsWith("~") ? "kept" : "wanted";
    return { name, place, pods: words.map((word, index) => pod(name, word, index)) };
  });

const one: DaemonBounds = { surge: 0, unavailable: 1 };
const surge: DaemonBounds = { surge: 1, unavailable: 0 };

describe("what is done about nodes and their pods", () => {
  const rows: readonly {
    name: string;
    nodes: string[];
    bounds?: DaemonBounds;
    create?: string[];
    remove?: string[];
  }[] = [
    { name: "every wanted node gets a pod", nodes: ["", "n+", "!", "~"], create: ["a"] },
    { name: "a node waits until its last pod is gone", nodes: ["o+x"] },
    { name: "what is not wanted goes, what is kept stays", nodes: ["!n+", "~o+", "~n-"], remove: ["a.n+"] },
    { name: "of two pods the older one stays", nodes: ["n+ n-"], remove: ["a.n-"] },
    { name: "one node at a time is replaced", nodes: ["o+", "o+", "o+"], remove: ["a.o+"] },
    { name: "not while one is missing", nodes: ["n-", "o+", "o+"] },
    { name: "nor for one that may be about to end", nodes: ["n*", "o+", "o+"] },
    { name: "a node without a pod is missing", nodes: ["", "o+"], create: ["a"] },
    { name: "what does not serve is replaced at once", nodes: ["o-", "o-", "o+"], remove: ["a.o-", "b.o-", "c.o+"] },
    { name: "a lost node does not hold the roll-out up", nodes: ["~o-", "o+", "o+"], remove: ["b.o+"] },
    { name: "nothing is replaced on delete", nodes: ["o+", "o-"], bounds: undefined },
    { name: "surge creates beside the old pod", nodes: ["o+", "o+"], bounds: surge, create: ["a"] },
    { name: "surge waits for the new pod", nodes: ["o+ n-", "o+"], bounds: surge },
    { name: "until that has run for a while", nodes: ["o+ n*", "o+"], bounds: surge },
    {
      name: "surge removes the old pod when the new one serves",
      nodes: ["o+ n+", "o+"],
      bounds: surge,
      create: ["b"],
      remove: ["a.o+"],
    },
    { name: "surge removes an old pod that does not serve", nodes: ["o- n-"], bounds: surge, remove: ["a.o-"] },
    { name: "what has ended is replaced", nodes: ["nf"], remove: ["a.nf"] },
    { name: "what ends at once is replaced later", nodes: ["nF"] },
  ];
  test.each(rows)("$name", (row) => {
    const bounds = "bounds" in row ? row.bounds : one;
    const steps = stepsFor(nodesOf(row.nodes), bounds, NOW_MS);
    expect({ create: steps.create, remove: steps.remove }).toEqual({
      create: row.create ?? [],
      remove: row.remove ?? [],
    });
  });

  test("a pod that ended at once says when it is looked at again", () => {
    expect(stepsFor(nodesOf(["nF"]), one, NOW_MS).againMs).toBe(8_000);
  });
});

describe("bounds of a rolling update over seven nodes", () => {
  const text = (value: string) => ({ value: { $case: "strVal" as const, value } });
  const number = (value: number) => ({ value: { $case: "intVal" as const, value } });
  const rows = [
    { rollingUpdate: undefined, want: { surge: 0, unavailable: 1 } },
    // Both are rounded up, so that 1% of a few nodes still moves.
    { rollingUpdate: { maxUnavailable: text("1%"), maxSurge: undefined }, want: { surge: 0, unavailable: 1 } },
    { rollingUpdate: { maxUnavailable: text("50%"), maxSurge: undefined }, want: { surge: 0, unavailable: 4 } },
    { rollingUpdate: { maxUnavailable: number(0), maxSurge: text("30%") }, want: { surge: 3, unavailable: 0 } },
  ];
  test.each(rows)("$rollingUpdate", ({ rollingUpdate, want }) => {
    expect(
      boundsOf(DaemonSetSpec.fromPartial({ updateStrategy: { type: "RollingUpdate", rollingUpdate } }), 7),
    ).toEqual(want);
  });

  test("there are none on delete", () => {
    expect(boundsOf(DaemonSetSpec.fromPartial({ updateStrategy: { type: "OnDelete" } }), 7)).toBeUndefined();
  });
});
