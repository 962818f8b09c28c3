/** Bounds of what tells people of the scheduler and moves pods for them; part of the table of all limits. */
export const EXPLAIN_LIMITS = {
  topReportMs: { value: 1_000, why: "how often nodes say what pods use while people look; two reports make a rate" },
  topWantedMs: { value: 30_000, why: "whoever asked what is used asks again soon; after that nodes need not tell" },
  topWaitMs: { value: 3_000, why: "a node that has not told by then is shown without use" },
  topPollMs: { value: 50, why: "a person sees no difference" },
  planPods: { value: 100_000, why: "pods of one plan; as many as the largest cluster runs" },
  whenSteps: { value: 10_000, why: "times at which pods end that an estimate looks at; beyond them it is no estimate" },
  rebalanceMs: {
    value: 60_000,
    why: "how often the cluster moves pods by itself, where it may: a replacement is up by then",
  },
  rebalanceMoves: { value: 2, why: "pods moved at a time by the cluster itself; a mistake costs two pods" },
  rebalanceMost: { value: 100, why: "moves shown or made by one command that names no number" },
} as const satisfies Record<string, { value: number; why: string }>;
