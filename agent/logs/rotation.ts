import type { Cancel, Clock } from "../../lib/clock.js";
import { asTallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import type { Log } from "../../lib/log.js";
import type { ContainerLogs } from "./container-logs.js";
import { CALM, type Turnover, turnedOver } from "./flood.js";
import type { LogKey } from "./log-path.js";

/** What rotation needs. */
export interface RotationParts {
  readonly clock: Clock;
  readonly log: Log;
  /** Runs that may write now. */
  readonly runs: () => readonly LogKey[];
  readonly logs: Pick<ContainerLogs, "look" | "hold" | "writtenBytes">;
  readonly rotate: (run: LogKey) => Promise<void>;
  /** Called when all that is kept of a run's log was written within so many milliseconds; see `turnedOver`. */
  readonly onFlood: (run: LogKey, keptMs: number) => void;
}

interface Watched {
  readonly run: LogKey;
  readonly sizeBytes: number;
  /** The file that is held; 0: none is known to be. */
  readonly inode: number;
  readonly atMs: number;
  /** When it is looked at; infinity for a quiet one, which is looked at with all other quiet ones. */
  readonly dueAtMs: number;
  readonly turnover: Turnover;
}

/**
 * Rotates logs. Each is looked at when it could have reached its limit at the speed of its last interval: one that is written flat out every
 * limits.logLookFirstMs, a quiet one every limits.logLookMaxMs: it may begin to flood at any time. Beside a flood, quiet ones are looked at no more often; on a machine that has written
 * next to nothing to any file since they were looked at, only every limits.logLookRestMs: a look at one number instead of one at each of hundreds of files.
 */
export class LogRotation {
  private readonly parts: RotationParts;
  private readonly watched = new Map<string, Watched>();
  /** When quiet logs are asked for next. */
  private quietAtMs = Number.NEGATIVE_INFINITY;
  /** When they were looked at last, and what had been written by then. */
  private quietSeen: Seen = { atMs: 0, writtenBytes: undefined };
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
    let dueAtMs = this.quietAtMs;
    for (const one of this.watched.values()) dueAtMs = Math.min(dueAtMs, one.dueAtMs);
    const waitMs = dueAtMs - this.parts.clock.monotonicMs();
    const delayMs = Math.min(limit("logLookMaxMs"), Math.max(limit("logLookFirstMs"), waitMs));
    this.cancel = this.parts.clock.after(delayMs, () => void this.look());
  }

  private async look(): Promise<void> {
    try {
      const nowMs = this.parts.clock.monotonicMs();
      // Those that come due before the next timer could are taken along.
      const untilMs = nowMs + limit("logLookFirstMs");
      const looksAtQuiet = this.quietAtMs <= untilMs && this.beginQuietTurn(nowMs);
      const due = [...this.watched.values()].filter(
        ({ dueAtMs }) => dueAtMs <= untilMs || (looksAtQuiet && dueAtMs === QUIET),
      );
      for (const one of due) await this.lookAt(one).catch((error: unknown) => this.failed(one, error));
    } catch (error) {
      this.parts.log.warn("logs were not rotated", { error: asTallshipError(error).message });
    }
    this.schedule();
  }

  /** Whether a quiet log, or that of a run that has begun since, can have grown so much that they are to be looked at; what runs is taken up then. */
  private beginQuietTurn(nowMs: number): boolean {
    this.quietAtMs = nextTurnMs(nowMs);
    const writtenBytes = this.parts.logs.writtenBytes();
    if (!mayHaveGrown(this.quietSeen, { atMs: nowMs, writtenBytes })) return false;
    this.quietSeen = { atMs: nowMs, writtenBytes };
    this.list(nowMs);
    return true;
  }

  /** The others' logs are not kept waiting: it has its turn again later. */
  private failed(one: Watched, error: unknown): void {
    const { podUid, container } = one.run;
    this.parts.log.warn("a log was not rotated", { podUid, container, error: asTallshipError(error).message });
    this.watched.set(nameOf(one.run), { ...one, dueAtMs: this.parts.clock.monotonicMs() + limit("logLookMaxMs") });
  }

  /** Takes up runs that have begun and drops those that have ended. */
  private list(nowMs: number): void {
    const runs = this.parts.runs();
    const names = new Set(runs.map(nameOf));
    for (const name of this.watched.keys()) if (!names.has(name)) this.watched.delete(name);
    const since = { sizeBytes: 0, inode: 0, atMs: nowMs - limit("logLookMaxMs"), dueAtMs: nowMs, turnover: CALM };
    for (const run of runs) if (!this.watched.has(nameOf(run))) this.watched.set(nameOf(run), { run, ...since });
  }

  private async lookAt({ run, ...since }: Watched): Promise<void> {
    const atMs = this.parts.clock.monotonicMs();
    const { sizeBytes, inode } = this.parts.logs.look(run);
    if (inode !== since.inode) await this.parts.logs.hold(run);
    const isReplaced = since.inode !== 0 && inode !== since.inode;
    const grownBytes = sizeBytes - (isReplaced ? 0 : since.sizeBytes);
    const waitMs = nextLookMs({ sizeBytes, grownBytes, tookMs: atMs - since.atMs, isReplaced });
    const dueAtMs = waitMs < limit("logLookMaxMs") ? atMs + waitMs : QUIET;
    const isFull = sizeBytes >= limit("logFileBytes");
    if (isFull) await this.parts.rotate(run);
    const left = isFull ? { sizeBytes: 0, inode: this.parts.logs.look(run).inode } : { sizeBytes, inode };
    const { turnover, keptMs } = isFull ? turnedOver(since.turnover, atMs) : { ...since, keptMs: undefined };
    if (keptMs !== undefined) this.parts.onFlood(run, keptMs);
    this.watched.set(nameOf(run), { run, ...left, atMs, dueAtMs, turnover });
  }
}

const QUIET = Number.POSITIVE_INFINITY;

interface Seen {
  readonly atMs: number;
  readonly writtenBytes: number | undefined;
}

/** Whether a log may have come a fourth of its limit further since quiet ones were looked at last, as far as is known; or that was too long ago. */
function mayHaveGrown(before: Seen, now: Seen): boolean {
  if (before.writtenBytes === undefined || now.writtenBytes === undefined) return true;
  const isLongAgo = now.atMs - before.atMs >= limit("logLookRestMs");
  return isLongAgo || now.writtenBytes - before.writtenBytes >= limit("logFileBytes") / 4;
}

/**
 * Milliseconds until a log that grew like this may reach its limit; half of it, since speeds change. One that its monitor began anew is flooded, however little the new
 * file holds: taking that for a quiet log lost what was written until the monitor began anew once more.
 */
export function nextLookMs(seen: {
  readonly sizeBytes: number;
  readonly grownBytes: number;
  readonly tookMs: number;
  /** Its monitor has begun another file since the last look. */
  readonly isReplaced?: boolean;
}): number {
  if (seen.isReplaced === true) return limit("logLookFirstMs");
  const roomBytes = limit("logFileBytes") - (seen.sizeBytes >= limit("logFileBytes") ? 0 : seen.sizeBytes);
  const bytesPerMs = Math.max(0, seen.grownBytes) / Math.max(1, seen.tookMs);
  const untilFullMs = bytesPerMs === 0 ? Number.POSITIVE_INFINITY : roomBytes / bytesPerMs;
  return Math.min(limit("logLookMaxMs"), Math.max(limit("logLookFirstMs"), untilFullMs / 2));
}

/** When all quiet logs are looked at together, limits.logLookMaxMs from now or little more: hundreds of them wake the agent twice a second, not each by itself. */
function nextTurnMs(nowMs: number): number {
  const [first, most] = [limit("logLookFirstMs"), limit("logLookMaxMs")];
  return (Math.floor((nowMs + first) / most) + 1) * most;
}

function nameOf({ podUid, container, attempt }: LogKey): string {
  return `${podUid}/${container}/${attempt}`;
}
