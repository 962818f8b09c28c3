import type { Fault } from "./diagnose.js";

/** What is said of a peer, and what may be said soon. */
export interface Verdict {
  readonly named: Fault | undefined;
  /** What the latest looks found instead, and how many of them in a row. */
  readonly next: { readonly fault: Fault | undefined; readonly looks: number } | undefined;
}

/** Nothing is at fault, as far as is known. */
export const NO_FAULT: Verdict = { named: undefined, next: undefined };

/** Looks that must agree before something else is said. */
const LOOKS = 2;

/** The verdict after another look. What goes on keeps its name and takes the newest message. */
export function verdictAfter(before: Verdict, found: Fault | undefined): Verdict {
  if (isSame(found, before.named)) return { named: found, next: undefined };
  const looks = before.next !== undefined && isSame(before.next.fault, found) ? before.next.looks + 1 : 1;
  return looks < LOOKS ? { ...before, next: { fault: found, looks } } : { named: found, next: undefined };
}

function isSame(one: Fault | undefined, other: Fault | undefined): boolean {
  return one?.kind === other?.kind && one?.direction === other?.direction;
}
