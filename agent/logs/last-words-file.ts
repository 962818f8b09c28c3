// Edge: what containers leave to be read after their end.
import { closeSync, fchmodSync, mkdirSync, openSync, readSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { parseLogLine, splitEntries } from "./line.js";
import { type LogKey, logPath } from "./log-path.js";

/** Kubernetes takes the last 80 lines at most. */
const TAIL_LINES = 80;
/** What stands before the content of an entry: time, stream and flag. */
const ENTRY_BYTES = 40;

/** The file that a run may write its last words to, made anew; anybody in the container may write it. */
export function makeLastWords(dataDir: string, run: LogKey): string {
  const path = lastWordsPath(dataDir, run);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const fd = openSync(path, "w");
  fchmodSync(fd, 0o666);
  closeSync(fd);
  return path;
}

/** The first bytes of a run's last words; empty when there are none. */
export function readLastWords(dataDir: string, run: LogKey, bytes: number): string {
  return readAt(lastWordsPath(dataDir, run), { from: () => 0, bytes }).toString("utf8");
}

/** The last lines that a run wrote, at most so many bytes. */
export function logTail(dataDir: string, run: LogKey, bytes: number): string {
  const most = bytes + TAIL_LINES * ENTRY_BYTES;
  const end = readAt(logPath(dataDir, run), { from: (size) => Math.max(0, size - most), bytes: most });
  const lines = splitEntries(end).entries.flatMap((entry) => parseLogLine(entry) ?? []);
  const text = lines
    .slice(-TAIL_LINES)
    .map(({ isPartial, content }) => `${Buffer.from(content)}${isPartial ? "" : "\n"}`);
  return Buffer.from(text.join("")).subarray(-bytes).toString("utf8");
}

function lastWordsPath(dataDir: string, run: LogKey): string {
  return logPath(dataDir, run).replace(/\.log$/, ".last-words");
}

function readAt(path: string, part: { readonly from: (size: number) => number; readonly bytes: number }): Buffer {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size === 0) return Buffer.alloc(0);
  const fd = openSync(path, "r");
  try {
    const buffer = Buffer.alloc(Math.min(size, part.bytes));
    return buffer.subarray(0, readSync(fd, buffer, 0, buffer.length, part.from(size)));
  } finally {
    closeSync(fd);
  }
}
