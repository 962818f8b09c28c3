// Edge: waits for log files to change.
import { mkdirSync, watch } from "node:fs";
import { dirname } from "node:path";
import { type Clock, parseTime } from "../../lib/clock.js";
import { asTallshipError, hasCode, TallshipError } from "../../lib/errors.js";
import type { LogsChunk, LogsRequest } from "../../proto/gen/tallship/v1/streams.js";
import { LogFormatter } from "./format.js";
import { LogReader, type ReadEntries } from "./log-reader.js";

/** One run's log and how it stands. */
export interface LogSource {
  /** The file being written; rotated ones stand beside it. */
  readonly path: string;
  /** Whether the run can still write. A follower ends when it cannot and everything was read. */
  readonly isOpen: () => boolean;
}

/** How long a follower of a log waits when no change is told, milliseconds. */
const POLL_MS = 500;

/** What a run wrote, oldest first, whole entries only; with `follow` until the run has ended or the signal aborts. */
export async function* readLogs(
  source: LogSource,
  request: Pick<LogsRequest, "follow" | "tailLines" | "sinceTime" | "timestamps" | "limitBytes">,
  edges: { readonly clock: Clock; readonly signal: AbortSignal },
): AsyncGenerator<LogsChunk, void, undefined> {
  const format = new LogFormatter({
    timestamps: request.timestamps,
    sinceMs: sinceMs(request.sinceTime),
    limitBytes: request.limitBytes,
  });
  const { tailLines, follow } = request;
  const part = { tailLines, pollMs: follow ? POLL_MS : undefined };
  for await (const { bytes: entries, missedLineCount } of logEntries(source, part, edges)) {
    const bytes = format.format(entries);
    if (bytes.length > 0 || missedLineCount > 0) yield { bytes, missedLineCount, note: "" };
    if (format.isFull) return;
  }
}

/** Which part of a log is wanted. */
export interface LogPart {
  /** Only so many of the last lines; undefined: all. */
  readonly tailLines: number | undefined;
  /** Go on with what is written later, and look again so often when no change is told; undefined: what is there is all. */
  readonly pollMs: number | undefined;
}

/** The entries of a log as they come, in lots that are never empty. */
export async function* logEntries(
  source: LogSource,
  { tailLines, pollMs }: LogPart,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): AsyncGenerator<ReadEntries, void, undefined> {
  const reader = new LogReader(source.path);
  let changes: FolderChanges | undefined;
  try {
    await reader.begin(tailLines, pollMs !== undefined);
    // Told also while nobody takes what was read: files are held before they go.
    if (pollMs !== undefined)
      changes = new FolderChanges(dirname(source.path), { pollMs, onRename: () => reader.filesChanged() });
    if (pollMs !== undefined) reader.filesChanged();
    while (!signal.aborted) {
      const wasOpen = source.isOpen();
      const entries = await reader.read();
      if (entries.bytes.length > 0) yield entries;
      if (entries.bytes.length > 0) continue;
      if (changes === undefined || !wasOpen) return;
      await changes.next(clock, signal);
    }
  } catch (error) {
    throw asTallshipError(error, "disk_failed");
  } finally {
    changes?.close();
    await reader.close();
  }
}

function sinceMs(sinceTime: string): number {
  if (sinceTime === "") return Number.NEGATIVE_INFINITY;
  const parsed = parseTime(sinceTime);
  if (Number.isNaN(parsed))
    throw new TallshipError("invalid_argument", `logs: since time "${sinceTime}" is not RFC 3339`);
  return parsed;
}

/** Tells when something in a folder changed since the last look. */
class FolderChanges {
  private readonly watcher: ReturnType<typeof watch>;
  private hasChanged = false;
  private readonly pollMs: number;
  private wake: (() => void) | undefined;

  constructor(folder: string, { pollMs, onRename }: { readonly pollMs: number; readonly onRename: () => void }) {
    this.pollMs = pollMs;
    mkdirSync(folder, { recursive: true });
    this.watcher = watch(folder, (event) => {
      if (event === "rename") onRename();
      this.hasChanged = true;
      this.wake?.();
    });
    this.watcher.on("error", () => undefined);
  }

  /** Resolves at a change, after `pollMs`, or when the signal aborts. */
  async next(clock: Clock, signal: AbortSignal): Promise<void> {
    const over = new AbortController();
    const stop = (): void => over.abort();
    this.wake = stop;
    signal.addEventListener("abort", stop, { once: true });
    if (this.hasChanged || signal.aborted) over.abort();
    try {
      await clock.sleep(this.pollMs, over.signal);
    } catch (error) {
      if (!hasCode(error, "cancelled")) throw error;
    } finally {
      this.hasChanged = false;
      signal.removeEventListener("abort", stop);
    }
  }

  close(): void {
    this.watcher.close();
  }
}
