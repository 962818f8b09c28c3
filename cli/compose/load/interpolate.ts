import type { ComposeNode } from "./node.js";

/** Values of variables by name. */
export type Variables = ReadonlyMap<string, string>;

/** A text with its variables put in, and the names that had no value; or why it cannot be read. */
export type Interpolated =
  | { readonly is: "text"; readonly text: string; readonly unset: readonly string[] }
  | { readonly is: "wrong"; readonly why: string };

/** Puts variables into a text: `$NAME`, `${NAME}`, the operators `:-` `-` `:?` `?` `:+` `+` with nested words, and `$$` for a dollar. */
export function interpolate(text: string, variables: Variables): Interpolated {
  if (!text.includes("$")) return { is: "text", text, unset: [] };
  const reader = new TemplateReader(text, variables);
  const done = reader.until(undefined);
  if (reader.wrong !== undefined) return { is: "wrong", why: reader.wrong };
  return { is: "text", text: done, unset: reader.unset };
}

const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
const OPERATOR = /:?[-?+]/y;

/** Walks one text; words of operators are read by the same rules. */
class TemplateReader {
  wrong: string | undefined;
  readonly unset: string[] = [];
  private at = 0;
  private readonly text: string;
  private readonly variables: Variables;

  constructor(text: string, variables: Variables) {
    this.text = text;
    this.variables = variables;
  }

  /** Reads up to the end, or to the closing brace of the expression around. */
  until(end: "}" | undefined): string {
    let out = "";
    while (this.at < this.text.length && this.wrong === undefined) {
      const char = this.text[this.at] ?? "";
      if (char === end) return out;
      this.at += 1;
      out += char === "$" ? this.dollar() : char;
    }
    if (end !== undefined) this.refuse("the brace is not closed");
    return out;
  }

  private dollar(): string {
    if (this.take("$")) return "$";
    if (this.take("{")) return this.braced();
    const name = this.match(NAME);
    if (name === "") return this.refuse("a dollar that starts no variable is written $$");
    return this.valueOf(name);
  }

  private braced(): string {
    const name = this.match(NAME);
    if (name === "") return this.refuse("a variable's name starts with a letter or _");
    const operator = this.match(OPERATOR);
    if (operator === "" && !this.take("}")) return this.refuse(`after \${${name} want }, or one of :- - :? ? :+ +`);
    if (operator === "") return this.valueOf(name);
    const unsetBefore = this.unset.length;
    const word = this.until("}");
    this.take("}");
    const value = this.variables.get(name);
    const isGiven = operator.startsWith(":") ? value !== undefined && value !== "" : value !== undefined;
    const usesWord = operator.endsWith("+") ? isGiven : !isGiven;
    if (!usesWord) this.unset.length = unsetBefore;
    if (operator.endsWith("+")) return isGiven ? word : "";
    if (isGiven) return value ?? "";
    if (operator.endsWith("-")) return word;
    this.wrong ??= `required variable ${name} is missing a value${word === "" ? "" : `: ${word}`}`;
    return "";
  }

  private valueOf(name: string): string {
    const value = this.variables.get(name);
    if (value === undefined) this.unset.push(name);
    return value ?? "";
  }

  private take(char: string): boolean {
    if (this.text[this.at] !== char) return false;
    this.at += 1;
    return true;
  }

  private match(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0] ?? "";
    this.at += found.length;
    return found;
  }

  private refuse(why: string): string {
    const shown = this.text.length > 60 ? `${this.text.slice(0, 60)}…` : this.text;
    this.wrong ??= `invalid interpolation in ${JSON.stringify(shown)}: ${why}`;
    return "";
  }
}

/** What happens to each text of a tree; `tell` is called where a text is wrong or a variable has no value. */
export function interpolateTree(
  root: ComposeNode,
  variables: Variables,
  tell: (node: ComposeNode, found: { readonly wrong?: string; readonly unset?: string }) => void,
): ComposeNode {
  const known = new Map<ComposeNode, ComposeNode>();
  const visit = (node: ComposeNode): ComposeNode => {
    const before = known.get(node);
    if (before !== undefined) return before;
    const made = visitNew(node);
    known.set(node, made);
    return made;
  };
  const visitNew = (node: ComposeNode): ComposeNode => {
    if (node.is === "list") return { ...node, items: node.items.map(visit) };
    if (node.is === "map")
      return { ...node, entries: node.entries.map((entry) => ({ ...entry, value: visit(entry.value) })) };
    if (!node.text.includes("$")) return node;
    const result = interpolate(node.text, variables);
    if (result.is === "wrong") {
      tell(node, { wrong: result.why });
      return node;
    }
    for (const name of new Set(result.unset)) tell(node, { unset: name });
    return { ...node, text: result.text, isInterpolated: true };
  };
  return visit(root);
}
