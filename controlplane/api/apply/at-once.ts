import { metaOf } from "../../../kinds/object.js";
import { TallshipError } from "../../../lib/errors.js";
import { limit } from "../../../lib/limits.js";
import type { Check, Write } from "../../store/store.js";
import { transactionSize } from "../../store/transaction.js";
import type { ObjectTask } from "../tasks/object-task.js";
import { tallyWrite } from "../write/pack.js";
import type { Reads } from "../write/reads.js";
import { type Decision, refuse, type Settled, type Tally, type Task } from "../write/task.js";
import type { ApplyTask } from "./apply-task.js";
import { type Content, contentWrite } from "./contents.js";

/** What became of a set that was written at once. */
export interface AtOnce {
  readonly revisionName: string;
  /** One per task, in their order. */
  readonly settled: readonly Settled[];
}

/** A whole set as one task. */
export interface AtOnceTask extends Task {
  written(revision: number): AtOnce;
  failed(error: TallshipError): AtOnce;
}

/**
 * A whole small set as one task, hence one transaction: its objects, its revision and the contents that the revision names. All happens or nothing, and a lost race
 * decides all of it again. Refused when a document is, or when it does not fit into a transaction: nothing was written then.
 */
export function atOnceTask(
  tasks: readonly ApplyTask[],
  record: { readonly revision: ObjectTask; readonly contents: () => readonly Content[] },
): AtOnceTask {
  let decisions: readonly Decision[] = [];
  const name = (): string => metaOf(record.revision.stored()?.typed.object ?? {}).name;
  return {
    decide: (reads, attempt) => {
      decisions = tasks.map((task) => task.decide(reads, attempt));
      return decideAll(decisions, record, reads, attempt);
    },
    written: (revision) => ({
      revisionName: name(),
      settled: decisions.map(({ is }) => (is === "write" ? { is: "written", revision } : { is: "kept" })),
    }),
    failed: (error) => ({ revisionName: "", settled: decisions.map(() => ({ is: "failed", error })) }),
  };
}

function decideAll(
  decisions: readonly Decision[],
  record: { readonly revision: ObjectTask; readonly contents: () => readonly Content[] },
  reads: Reads,
  attempt: number,
): Decision {
  const own = merge(decisions);
  if (own.is !== "write") return own;
  const recorded = merge([own, record.revision.decide(reads, attempt)]);
  if (recorded.is !== "write") return recorded;
  const whole = { checks: recorded.checks, writes: [...recorded.writes, ...record.contents().map(contentWrite)] };
  return isOneTransaction(whole)
    ? { is: "write", ...whole }
    : refuse(new TallshipError("too_large", "apply: the set does not fit into one transaction"));
}

/** Several decisions as one: the first refusal, else everything that they check and write. */
function merge(decisions: readonly Decision[]): Decision {
  const checks: Check[] = [];
  const writes: Write[] = [];
  const tallies = new Map<string, Tally>();
  for (const decision of decisions) {
    if (decision.is === "refuse") return decision;
    checks.push(...decision.checks);
    if (decision.is !== "write") continue;
    writes.push(...decision.writes);
    for (const tally of decision.tallies ?? []) tallies.set(tally.key, tally);
  }
  const distinct = [...new Map(checks.map((check) => [check.key, check])).values()];
  writes.push(...Array.from(tallies.values(), tallyWrite));
  return writes.length === 0 ? { is: "keep", checks: distinct } : { is: "write", checks: distinct, writes };
}

/** No key is written twice (two services may have guessed one address), and there is room left: a lost race may make it somewhat larger. */
function isOneTransaction(part: { readonly checks: readonly Check[]; readonly writes: readonly Write[] }): boolean {
  const keys = new Set(part.writes.map(({ key }) => key));
  const most = limit("transactionObjects");
  if (keys.size < part.writes.length || part.writes.length > most || part.checks.length > most) return false;
  return transactionSize(part) <= limit("transactionBytes") / 2;
}
