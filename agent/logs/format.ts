import { parseTime } from "../../lib/clock.js";
import { contentAt, parseLogLine } from "./line.js";

/** How lines are shown. */
export interface FormatOptions {
  /** Put the time of writing before each line. */
  readonly timestamps: boolean;
  /** Leave out what was written before; milliseconds since the epoch. */
  readonly sinceMs: number;
  /** Stop after this many bytes; 0: no bound. */
  readonly limitBytes: number;
}

const NEWLINE = 0x0a;
const NEWLINE_BYTES = Buffer.from("\n");

/** Turns log entries into what a reader sees. Keeps whether the last entry was a part of a line, and how much was given. */
export class LogFormatter {
  private readonly options: FormatOptions;
  private isMidLine = false;
  private givenBytes = 0;

  constructor(options: FormatOptions) {
    this.options = options;
  }

  /** Whether the reader's bound is reached. */
  get isFull(): boolean {
    return this.options.limitBytes > 0 && this.givenBytes >= this.options.limitBytes;
  }

  /** The text of whole entries, in order. Malformed ones are skipped. */
  format(entries: Buffer): Buffer {
    const isPlain = !this.options.timestamps && this.options.sinceMs === Number.NEGATIVE_INFINITY;
    return this.bounded(isPlain ? this.contents(entries) : this.lines(entries));
  }

  /** Contents alone: a flood is followed so, and nothing is made per line. Never longer than the entries. */
  private contents(entries: Buffer): Buffer {
    const text = Buffer.allocUnsafe(entries.length);
    let length = 0;
    for (let from = 0, end = entries.indexOf(NEWLINE); end >= 0; from = end + 1, end = entries.indexOf(NEWLINE, from)) {
      const found = contentAt(entries, from, end);
      if (found === undefined) continue;
      length += entries.copy(text, length, found.start, found.isPartial ? end : end + 1);
      this.isMidLine = found.isPartial;
    }
    return text.subarray(0, length);
  }

  private lines(entries: Buffer): Buffer {
    const parts: Uint8Array[] = [];
    for (let from = 0, end = entries.indexOf(NEWLINE); end >= 0; from = end + 1, end = entries.indexOf(NEWLINE, from)) {
      const line = parseLogLine(entries.subarray(from, end));
      if (line === undefined || this.isTooOld(line.time)) continue;
      if (this.options.timestamps && !this.isMidLine) parts.push(Buffer.from(`${line.time} `));
      parts.push(line.content);
      if (!line.isPartial) parts.push(NEWLINE_BYTES);
      this.isMidLine = line.isPartial;
    }
    return Buffer.concat(parts);
  }

  private isTooOld(time: string): boolean {
    return this.options.sinceMs > Number.NEGATIVE_INFINITY && parseTime(time) < this.options.sinceMs;
  }

  private bounded(bytes: Buffer): Buffer {
    const left = this.options.limitBytes > 0 ? this.options.limitBytes - this.givenBytes : bytes.length;
    const given = bytes.subarray(0, Math.max(0, left));
    this.givenBytes += given.length;
    return given;
  }
}
