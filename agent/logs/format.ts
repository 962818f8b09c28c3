import { parseTime } from "../../lib/clock.js";
import { parseLogLine } from "./line.js";

/** How lines are shown. */
export interface FormatOptions {
  /** Put the time of writing before each line. */
  readonly timestamps: boolean;
  /** Leave out what was written before; milliseconds since the epoch. */
  readonly sinceMs: number;
  /** Stop after this many bytes; 0: no bound. */
  readonly limitBytes: number;
}

const NEWLINE = Buffer.from("\n");

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

  /** The text of entries, in order. Malformed ones are skipped. */
  format(entries: readonly Buffer[]): Buffer {
    const parts: Uint8Array[] = [];
    for (const entry of entries) {
      const line = parseLogLine(entry);
      if (line === undefined || this.isTooOld(line.time)) continue;
      if (this.options.timestamps && !this.isMidLine) parts.push(Buffer.from(`${line.time} `));
      parts.push(line.content);
      if (!line.isPartial) parts.push(NEWLINE);
      this.isMidLine = line.isPartial;
    }
    return this.bounded(Buffer.concat(parts));
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
