import type { Cancel, Clock } from "../../lib/clock.js";
import { asTallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import type { Log } from "../../lib/log.js";
import type { LogKey } from "./log-path.js";

/** What rotation needs. */
export interface RotationParts {
  readonly clock: Clock;
  readonly log: Log;
  /** Runs that may write now. */
  readonly runs: () => readonly LogKey[];
  /** Size of a run's present log in bytes; 0 when there is none. */
  readonly sizeOf: (run: LogKey) => number;
  readonly rotate: (run: LogKey) => Promise<void>;
}

interface Watched {
  readonly sizeBytes: number;
  readonly atMs: number;
  readonly dueAtMs: number;
}

/**
 * Rotates logs. Each is looked at when it could have reached its limit at the speed of its last interval: one that is written flat out every
 * limits.logLookFirstMs, a quiet one every limits.logLookMaxMs. Quiet containers cost nothing.
 */
export class LogRotation {
  private readonly parts: RotationParts;
  private readonly watched = new Map<string, Watched>();
  private cancel: Cancel | undefined;
  private isClosed = false;

  constructor(parts: RotationParts) {
    this.parts = parts;
    this.schedule();
  }

  /** No more rotations begin. */
  close(): void {
    this.isClosed = true;
    this.cancel?.();
  }

  private schedule(): void {
    if (this.isClosed) return;
    const dueAtMs = Math.min(...[...this.watched.values()].map((one) => one.dueAtMs));
    const waitMs = dueAtMs - this.parts.clock.monotonicMs();
    // Runs that began meanwhile are found at the latest after the longest wait of a busy one.
    const delayMs = Math.min(limit("logLookNewMs"), Math.max(limit("logLookFirstMs"), waitMs));
    this.cancel = this.parts.clock.after(delayMs, () => void this.look());
  }

  private async look(): Promise<void> {
    try {
      const runs = this.parts.runs();
      const names = new Set(runs.map(nameOf));
      for (const name of this.watched.keys()) if (!names.has(name)) this.watched.delete(name);
      for (const run of runs) await this.lookAt(run);
    } catch (error) {
      this.parts.log.warn("logs were not rotated", { error: asTallshipError(error).message });
    }
    this.schedule();
  }

  private async lookAt(run: LogKey): Promise<void> {
    const atMs = this.parts.clock.monotonicMs();
    const before = this.watched.get(nameOf(run));
    if (before !== undefined && before.dueAtMs > atMs) return;
    const sizeBytes = this.parts.sizeOf(run);
    if (sizeBytes >= limit("logFileBytes")) await this.parts.rotate(run);
    const since = before === undefined ? { sizeBytes: 0, atMs: atMs - limit("logLookNewMs") } : before;
    const dueAtMs =
      atMs + nextLookMs({ sizeBytes, grownBytes: sizeBytes - since.sizeBytes, tookMs: atMs - since.atMs });
    const left = sizeBytes >= limit("logFileBytes") ? 0 : sizeBytes;
    this.watched.set(nameOf(run), { sizeBytes: left, atMs, dueAtMs });
  }
}

/** Milliseconds until a log that grew like this may reach its limit; half of it, since speeds change. */
export function nextLookMs(seen: {
  readonly sizeBytes: number;
  readonly grownBytes: number;
  readonly tookMs: number;
}): number {
  const roomBytes = limit("logFileBytes") - (seen.sizeBytes >= limit("logFileBytes") ? 0 : seen.sizeBytes);
  const bytesPerMs = Math.max(0, seen.grownBytes) / Math.max(1, seen.tookMs);
  const untilFullMs = bytesPerMs === 0 ? Number.POSITIVE_INFINITY : roomBytes / bytesPerMs;
  return Math.min(limit("logLookMaxMs"), Math.max(limit("logLookFirstMs"), untilFullMs / 2));
}

function nameOf({ podUid, container, attempt }: LogKey): string {
  return `${podUid}/${container}/${attempt}`;
}
