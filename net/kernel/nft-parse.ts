/** An element of a map or set, in nft's own words. Sets have empty values. */
export interface ListedElement<Name extends string = string> {
  readonly map: Name;
  readonly key: string;
  readonly value: string;
}

/** Reads elements out of what `nft list map` prints for one map or several, in pieces of any size: memory does not grow with the maps. */
export class ElementReader<Name extends string = string> {
  private readonly visit: (element: ListedElement<Name>) => void;
  private readonly nameOf: (text: string) => Name | undefined;
  private rest = "";
  private map: Name | undefined;
  private isInside = false;

  /** Maps without a name are passed over. */
  constructor(visit: (element: ListedElement<Name>) => void, nameOf: (text: string) => Name | undefined) {
    this.visit = visit;
    this.nameOf = nameOf;
  }

  /** Takes the next piece. The last line must end in a line feed, as nft's does. */
  push(piece: string): void {
    const lines = (this.rest + piece).split("\n");
    this.rest = lines.pop() ?? "";
    for (const line of lines) this.line(line.trim());
  }

  private line(line: string): void {
    const header = /^(?:map|set) (\S+) \{$/.exec(line);
    if (header !== null) this.map = this.nameOf(header[1] ?? "");
    const opens = line.startsWith("elements = {");
    if (opens) this.isInside = true;
    if (!this.isInside || this.map === undefined) return;
    const closes = line.endsWith("}");
    const text = line.slice(opens ? "elements = {".length : 0, closes ? -1 : undefined);
    for (const element of text.split(",")) this.element(this.map, element.trim());
    if (closes) this.isInside = false;
  }

  private element(map: Name, text: string): void {
    if (text === "") return;
    const [key = "", value = ""] = text.split(" : ");
    this.visit({ map, key: key.trim(), value: value.trim() });
  }
}

/** The part of `nft -t list ruleset` that is one table; empty when there is none. */
export function tableText(ruleset: string, table: string): string {
  const start = `\n${ruleset}`.indexOf(`\ntable ${table} {\n`);
  if (start < 0) return "";
  const end = ruleset.indexOf("\n}", start);
  return ruleset.slice(start, end < 0 ? ruleset.length : end + 2);
}
