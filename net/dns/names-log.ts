import type { ServiceNames } from "./service-names.js";
import type { Zone } from "./zone.js";

/**
 * How the agent tells the DNS process what it knows: a file of lines, each the whole of what one service brings (or null), or the networks of one
 * pod that is on others than the cluster's own, appended as they change. A new file begins with a header and holds everything. A line is in force once its line feed is there, so a writer
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

/** Begins the key of a line that says who asks: no service's key does. */
const ASKER = "@";

/** The line of a pod that is not on the cluster's own network alone: its networks, by its first address; undefined when it has gone. */
export function askerLine(address: string, networks: readonly string[] | undefined): string {
  return `${JSON.stringify([`${ASKER}${address}`, networks ?? null])}\n`;
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
    const [key, content] = JSON.parse(line) as [string, ServiceNames | readonly string[] | null];
    if (key.startsWith(ASKER)) this.zone.setAsker(key.slice(ASKER.length), isList(content) ? content : undefined);
    else this.zone.set(key, content === null || isList(content) ? undefined : content);
  }
}

function isList(content: ServiceNames | readonly string[] | null): content is readonly string[] {
  return Array.isArray(content);
}
