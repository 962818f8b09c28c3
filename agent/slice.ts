import type { Clock } from "../lib/clock.js";

/** What slices take. */
export interface SliceParts {
  readonly clock: Pick<Clock, "monotonicMs">;
  /** How long work may begin before others have their turn, milliseconds. */
  readonly sliceMs: number;
  /** Calls once whatever else waits has been heard; calls that were asked for in one turn come in one turn, and what follows from each before the next. Absent where no time passes while work is done: then all begins at once. */
  readonly nextTurn?: ((call: () => void) => void) | undefined;
}

/** Pieces of one slice at most, however short they are. */
const PIECES = 8;

/**
 * Work that begins in slices. What is ready all at once - hundreds of pods that were just bound, or are to go - would otherwise run in one go, each piece going on where the other left off, and
 * no message, timer or heartbeat would be heard for half a second. A piece is what runs between two waits: whoever asks here before each of them holds others up for no longer than a slice and a piece.
 * How long a piece takes shows once it has run, so of those that ask at once only the first begins at once.
 */
export class Slice {
  private readonly parts: SliceParts;
  private readonly waiting: (() => void)[] = [];
  private isBegun = false;

  constructor(parts: SliceParts) {
    this.parts = parts;
  }

  /** Resolves when work may begin: at once when none has begun in this turn of the loop, or in a later turn, in the order of asking. */
  async begin(): Promise<void> {
    const { nextTurn } = this.parts;
    if (nextTurn === undefined) return;
    if (!this.isBegun) {
      this.isBegun = true;
      nextTurn(() => this.goOn(nextTurn));
      return;
    }
    await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  /** The next slice, for those that wait; when nobody does, whoever asks next begins at once. */
  private goOn(nextTurn: (call: () => void) => void): void {
    if (this.waiting.length === 0) {
      this.isBegun = false;
      return;
    }
    const { clock, sliceMs } = this.parts;
    const count = Math.min(PIECES, this.waiting.length);
    let endMs = Number.POSITIVE_INFINITY;
    for (let at = 0; at < count; at += 1)
      nextTurn(() => {
        const nowMs = clock.monotonicMs();
        if (at === 0) endMs = nowMs + sliceMs;
        if (nowMs < endMs) this.waiting.shift()?.();
      });
    nextTurn(() => this.goOn(nextTurn));
  }
}
