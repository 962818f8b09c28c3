import { safeText } from "../safe-text.js";
import { formatTable } from "../table.js";

/** A page of facts as kubectl's describe writes them: names in one column, values in the next, sections indented. */
export class Page {
  private readonly lines: Line[] = [];

  /** A fact; a value of several lines stands in its column. Empty values show as `<none>`. */
  fact(name: string, value: string | readonly string[]): this {
    const values = typeof value === "string" ? [value] : value;
    const shown = values.filter((text) => text !== "");
    this.lines.push({ is: "fact", name: `${name}:`, values: shown.length === 0 ? ["<none>"] : shown });
    return this;
  }

  /** A fact that is left out when there is nothing to say. */
  factIf(name: string, value: string | undefined): this {
    return value === undefined || value === "" ? this : this.fact(name, value);
  }

  /** A heading with an indented page below it. */
  section(name: string, page: Page): this {
    this.lines.push({ is: "section", name: `${name}:`, page });
    return this;
  }

  /** A heading with an indented table below it; without rows it says `<none>`. */
  table(name: string, headings: readonly string[], rows: readonly (readonly string[])[]): this {
    if (rows.length === 0) return this.fact(name, "");
    const rules = headings.map((heading) => "-".repeat(heading.length));
    this.lines.push({ is: "table", name: `${name}:`, rows: [headings, rules, ...rows] });
    return this;
  }

  /** Lines as they are. */
  text(text: string): this {
    this.lines.push({ is: "text", text });
    return this;
  }

  /** The page as text. */
  toText(): string {
    return safeText(this.indented(""));
  }

  /** The page as it stands within another. */
  indented(indent: string): string {
    const width = Math.max(0, ...this.lines.map((line) => (line.is === "fact" ? line.name.length : 0))) + 2;
    return this.lines.map((line) => lineText(line, indent, width)).join("");
  }
}

type Line =
  | { readonly is: "fact"; readonly name: string; readonly values: readonly string[] }
  | { readonly is: "section"; readonly name: string; readonly page: Page }
  | { readonly is: "table"; readonly name: string; readonly rows: readonly (readonly string[])[] }
  | { readonly is: "text"; readonly text: string };

function lineText(line: Line, indent: string, width: number): string {
  const deeper = `${indent}  `;
  switch (line.is) {
    case "fact":
      return line.values.map((value, at) => `${indent}${(at === 0 ? line.name : "").padEnd(width)}${value}\n`).join("");
    case "section":
      return `${indent}${line.name}\n${line.page.indented(deeper)}`;
    case "table":
      return `${indent}${line.name}\n${formatTable(line.rows, deeper)}`;
    case "text":
      return line.text.replace(/^(?=.)/gm, indent);
  }
}
