import type { ServiceNames } from "./service-names.js";
import type { Zone } from "./zone.js";

/**
 * How the agent tells the DNS process what it knows: a file of lines, each the whole of what one service brings (or null), appended as
 * services change. A new file begins with a header and holds everything. A line is in force once its line feed is there, so a writer
 * that dies within one harms nobody.
 */
export interface NamesHeader {
  readonly format: 1;
  readonly domain: string;
}

/** The first line of a file. */
export function headerLine(domain: string): string {
  return `${JSON.stringify({ format: 1, domain } satisfies NamesHeader)}\n`;
}

/** The line of one service. */
export function serviceLine(key: string, names: ServiceNames | undefined): string {
  return `${JSON.stringify([key, names ?? null])}\n`;
}

/** Takes lines into a zone, given in pieces of any size. Starts with a file's first byte. */
export class NamesReader {
  private readonly zone: Zone;
  private rest = "";
  private hasHeader = false;

  constructor(zone: Zone) {
    this.zone = zone;
  }

  /** Takes the next piece. Throws SyntaxError when a whole line is malformed. */
  push(piece: string): void {
    const lines = (this.rest + piece).split("\n");
    this.rest = lines.pop() ?? "";
    for (const line of lines) {
      if (this.hasHeader) this.service(line);
      this.hasHeader = true;
    }
  }

  private service(line: string): void {
    // A parser: only the agent of this host writes the file, one format a version.
    const [key, names] = JSON.parse(line) as [string, ServiceNames | null];
    this.zone.set(key, names ?? undefined);
  }
}
