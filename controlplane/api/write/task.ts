import type { TallshipError } from "../../../lib/errors.js";
import type { Check, Write } from "../../store/store.js";
import type { Reads } from "./reads.js";

/** A record that many tasks of one request add to, such as a quota: within a transaction the total of the highest sequence stands for all. */
export interface Tally {
  readonly key: string;
  readonly value: Uint8Array;
  readonly sequence: number;
}

/** What a task wants to do to the store, decided on what stands there. */
export type Decision =
  /** Write, if everything checked still stands. Each task writes at least one key. */
  | {
      readonly is: "write";
      readonly checks: readonly Check[];
      readonly writes: readonly Write[];
      readonly tallies?: readonly Tally[];
    }
  /** Nothing to write, if everything checked still stands. */
  | { readonly is: "keep"; readonly checks: readonly Check[] }
  | Refusal;

/**
 * It cannot be done. `doubt` names the keys on whose standing the refusal rests: it is decided again once they were read from the store, for the
 * cache may lag behind. A key that ends in "/" stands for all records below it.
 */
export interface Refusal {
  readonly is: "refuse";
  readonly error: TallshipError;
  readonly doubt: readonly string[];
}

/** One change of one object: decided in a pure function, as often as it takes. */
export interface Task {
  /** `attempt` grows by one with each lost race. */
  decide(reads: Reads, attempt: number): Decision;
}

/** What became of a task. `revision` is that of its write; of a kept task, 0. */
export type Settled =
  | { readonly is: "written"; readonly revision: number }
  | { readonly is: "kept" }
  | { readonly is: "failed"; readonly error: TallshipError };

/** A refusal; without doubt, no reading can change it. */
export function refuse(error: TallshipError, doubt: readonly string[] = []): Refusal {
  return { is: "refuse", error, doubt };
}
