import type { RuleElement, RuleMap } from "./rules.js";

/** Reads elements out of `nft list map`, given in pieces of any size: memory does not grow with the map. */
export class ElementReader {
  private readonly map: RuleMap;
  private readonly visit: (element: RuleElement) => void;
  private rest = "";
  private isInside = false;

  constructor(map: RuleMap, visit: (element: RuleElement) => void) {
    this.map = map;
    this.visit = visit;
  }

  /** Takes the next piece. */
  push(piece: string): void {
    this.rest += piece;
    if (!this.isInside) {
      const start = this.rest.indexOf("elements = {");
      if (start < 0) return;
      this.isInside = true;
      this.rest = this.rest.slice(start + "elements = {".length);
    }
    const parts = this.rest.split(/[,}]/);
    // The last part may go on in the next piece; after the closing brace it is only more braces.
    this.rest = parts.pop() ?? "";
    for (const part of parts) this.element(part.trim());
  }

  private element(text: string): void {
    if (text === "") return;
    const [key, value] = text.split(" : ");
    this.visit({ map: this.map, key: key?.trim() ?? "", value: value?.trim() ?? "" });
  }
}

/** The part of `nft -t list ruleset` that is one table; empty when there is none. */
export function tableText(ruleset: string, table: string): string {
  const start = `\n${ruleset}`.indexOf(`\ntable ${table} {\n`);
  if (start < 0) return "";
  const end = ruleset.indexOf("\n}", start);
  return ruleset.slice(start, end < 0 ? ruleset.length : end + 2);
}
