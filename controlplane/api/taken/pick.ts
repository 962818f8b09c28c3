import { TallshipError } from "../../../lib/errors.js";
import type { Rng } from "../../../lib/rng.js";
import type { Reads } from "../write/reads.js";
import { type Refusal, refuse } from "../write/task.js";
import type { NumberRange } from "./address-range.js";

/** Values of a range, each with a record below the prefix once it is taken. */
export interface Pool {
  readonly prefix: string;
  readonly range: NumberRange;
  readonly text: (number: number) => string;
  /** Values that are never picked. */
  readonly reserved: readonly string[];
}

/** A value that is not known to be taken. */
export type Picked = { readonly is: "picked"; readonly value: string } | Refusal;

const GUESSES = 8;

/**
 * Guesses a free value at random, so that two writers rarely meet and nobody reads the range. Once guesses keep hitting what is known to be taken,
 * the range is read and the next free value after a random place is picked; refused with resource_exhausted when there is none.
 */
export function pick(pool: Pool, reads: Reads, rng: Rng): Picked {
  const { prefix, range, text, reserved } = pool;
  const isFree = (value: string): boolean => !reserved.includes(value) && reads.record(prefix + value) === undefined;
  for (let guess = 0; guess < GUESSES; guess += 1) {
    const value = text(range.first + rng.below(range.count));
    if (isFree(value)) return { is: "picked", value };
  }
  const start = rng.below(range.count);
  for (let step = 0; reads.isFresh(prefix) && step < range.count; step += 1) {
    const value = text(range.first + ((start + step) % range.count));
    if (isFree(value)) return { is: "picked", value };
  }
  const message = `assign ${prefix.split("/").at(-2)}: all ${range.count} values of the range are taken`;
  return refuse(new TallshipError("resource_exhausted", message), [prefix]);
}
