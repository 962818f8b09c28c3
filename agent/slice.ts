import type { Clock } from "../lib/clock.js";

/** What slices take. */
export interface SliceParts {
  readonly clock: Clock;
  /** How long work may begin before others have their turn, milliseconds. */
  readonly sliceMs: number;
  /** Called when the next slice begins: what was ready beyond the last one begins now. */
  readonly onNext: () => void;
}

/**
 * Work that begins in slices. What is ready all at once - hundreds of pods that were just bound - would otherwise run in one go, each turn going on where the other left off, and
 * no message, timer or heartbeat would be heard for half a second.
 */
export class Slice {
  private readonly parts: SliceParts;
  private sinceMs: number | undefined;

  constructor(parts: SliceParts) {
    this.parts = parts;
  }

  /** Whether work may begin now. Ask only when there is some: it begins a slice, which ends by itself. */
  mayBegin(): boolean {
    const { clock, sliceMs, onNext } = this.parts;
    const nowMs = clock.monotonicMs();
    if (this.sinceMs === undefined) {
      this.sinceMs = nowMs;
      clock.after(0, () => {
        this.sinceMs = undefined;
        onNext();
      });
    }
    return nowMs - this.sinceMs < sliceMs;
  }
}
