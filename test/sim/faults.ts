import type { Rng } from "../../lib/rng.js";

/** How often things go wrong: each a probability per opportunity. All zero in the calm phase. */
export interface FaultRates {
  /** A unary request is lost before it arrives. */
  readonly loseRequest: number;
  /** A unary answer is lost: the call happened and the caller does not know. */
  readonly loseAnswer: number;
  /** A unary request arrives twice. */
  readonly doubleRequest: number;
  /** A stream breaks at a message. */
  readonly cutStream: number;
  /** A store call fails before, or after, it happened. */
  readonly storeBefore: number;
  readonly storeAfter: number;
  /** The process crashes at a write, before or after it happened. */
  readonly crashAtWrite: number;
  /** An agent crashes at a call of its host (a container made, an address given), before or after it happened. */
  readonly crashAtHostCall: number;
}

/** Nothing goes wrong. */
export const CALM: FaultRates = {
  loseRequest: 0,
  loseAnswer: 0,
  doubleRequest: 0,
  cutStream: 0,
  storeBefore: 0,
  storeAfter: 0,
  crashAtWrite: 0,
  crashAtHostCall: 0,
};

/** Rates for one seed: some faults are frequent, some absent, so that seeds differ in kind. */
export function drawRates(rng: Rng): FaultRates {
  const rate = (most: number): number => (rng.float() < 0.4 ? 0 : rng.float() * most);
  return {
    loseRequest: rate(0.05),
    loseAnswer: rate(0.05),
    doubleRequest: rate(0.05),
    cutStream: rate(0.01),
    storeBefore: rate(0.03),
    storeAfter: rate(0.03),
    crashAtWrite: rate(0.004),
    crashAtHostCall: rate(0.004),
  };
}

/** The faults in force, and the luck that decides on each. */
export class FaultSource {
  rates: FaultRates;
  private readonly rng: Rng;

  constructor(rng: Rng, rates: FaultRates) {
    this.rng = rng;
    this.rates = rates;
  }

  /** Whether this fault happens at this opportunity. */
  strikes(fault: keyof FaultRates): boolean {
    const rate = this.rates[fault];
    return rate > 0 && this.rng.float() < rate;
  }

  /** Whether what crashes at a call does so after the call took effect. */
  isAfterEffect(): boolean {
    return this.rng.float() < 0.5;
  }

  /** How long one way of a call of the host takes, milliseconds. */
  hostDelayMs(): number {
    return 0.1 + this.rng.float() * 4;
  }

  /** How long a message takes, milliseconds: mostly short, sometimes long. */
  delayMs(): number {
    return this.rng.float() < 0.02 ? this.rng.float() * 300 : 0.2 + this.rng.float() * 3;
  }
}
