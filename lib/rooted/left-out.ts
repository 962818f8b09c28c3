import { shownPath } from "../tar/entry.js";

/** Takes what an archive or a copy goes without: its path, one byte per character, and what it is, such as "a fifo". */
export type OnLeftOut = (path: string, what: string) => void;

/** So many are named; of more their number is enough to see that a folder is not one of files. */
const NAMED = 10;

/** What was left out of a copy, as people are told of it. */
export class LeftOut {
  private readonly named: string[] = [];
  private count = 0;

  readonly note: OnLeftOut = (path, what) => {
    this.count += 1;
    if (this.named.length < NAMED) this.named.push(`${shownPath(path)} is ${what} and was left out`);
  };

  /** A line each, with a line's end; empty when nothing was. */
  get text(): string {
    const rest = this.count - this.named.length;
    const lines =
      rest > 0 ? [...this.named, `${rest} more that are no files, folders or links were left out`] : this.named;
    return lines.map((line) => `${line}\n`).join("");
  }
}
