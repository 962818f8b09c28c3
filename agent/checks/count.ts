import type { CheckTiming } from "./check.js";

/** Results of the same kind in a row, and what the check stands at. */
export interface Count {
  readonly isPassed: boolean | undefined;
  readonly inRow: number;
}

/** The count before the first result. */
export const NO_RESULTS: Count = { isPassed: undefined, inRow: 0 };

/** The count after a result, and the verdict that it brings: only when enough results in a row agree, then with each further one. */
export function countResult(
  { isPassed: was, inRow }: Count,
  isPassed: boolean,
  { successThreshold, failureThreshold }: CheckTiming,
): { readonly count: Count; readonly verdict: boolean | undefined } {
  const count = { isPassed, inRow: was === isPassed ? inRow + 1 : 1 };
  const isEnough = count.inRow >= (isPassed ? successThreshold : failureThreshold);
  return { count, verdict: isEnough ? isPassed : undefined };
}
