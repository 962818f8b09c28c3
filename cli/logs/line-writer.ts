import type { Output } from "../shell.js";

/** Writes the lines of several logs to one output, whole lines at a time, each with the name of its log if asked. */
export class LineWriter {
  private readonly output: Output;
  private readonly withNames: boolean;
  private readonly prefixOf: (log: string) => string;
  /** The beginning of a line whose end has not come, by log. */
  private readonly partial = new Map<string, Buffer>();

  constructor(output: Output, withNames: boolean, prefixOf: (log: string) => string = (log) => `[${log}] `) {
    this.output = output;
    this.withNames = withNames;
    this.prefixOf = prefixOf;
  }

  /** Writes what the bytes complete; what has no end of line waits for it. */
  async write(log: string, bytes: Uint8Array): Promise<void> {
    if (!this.withNames) return this.output.write(bytes);
    const held = this.partial.get(log);
    const all = held === undefined ? Buffer.from(bytes) : Buffer.concat([held, bytes]);
    const end = all.lastIndexOf(NEWLINE) + 1;
    if (end < all.length) this.partial.set(log, all.subarray(end));
    else this.partial.delete(log);
    if (end > 0) await this.output.write(named(this.prefixOf(log), all.subarray(0, end)));
  }

  /** The log has ended: a last line without an end is written with one. */
  async end(log: string): Promise<void> {
    const held = this.partial.get(log);
    this.partial.delete(log);
    if (held !== undefined && held.length > 0)
      await this.output.write(named(this.prefixOf(log), Buffer.concat([held, Buffer.of(NEWLINE)])));
  }
}

const NEWLINE = 10;

function named(text: string, lines: Buffer): Buffer {
  const prefix = Buffer.from(text);
  const parts: Buffer[] = [];
  for (let start = 0; start < lines.length; ) {
    const end = lines.indexOf(NEWLINE, start) + 1;
    parts.push(prefix, lines.subarray(start, end));
    start = end;
  }
  return Buffer.concat(parts);
}
