import { TallshipError } from "../../lib/errors.js";

/** What ends a name, unless a backslash stands before it. */
const NAME_END = /[\s.,[\]$@{}()=!<>]/;
const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r" };

/** A text that is read from left to right; `whole` is what errors show. */
export class Reader {
  readonly whole: string;
  private readonly text: string;
  private at = 0;

  constructor(text: string, whole: string) {
    this.text = text;
    this.whole = whole;
  }

  sees(word: string): boolean {
    return this.text.startsWith(word, this.at);
  }

  /** Takes the word when it stands here. */
  take(word: string): boolean {
    if (!this.sees(word)) return false;
    this.at += word.length;
    return true;
  }

  skipSpaces(): void {
    while (/\s/.test(this.text[this.at] ?? "")) this.at += 1;
  }

  isQuote(): boolean {
    return this.sees('"') || this.sees("'");
  }

  /** `range` or `end`, taken only where it is a word of its own. */
  word(): "range" | "end" | undefined {
    this.skipSpaces();
    const found = /^(range|end)(?=$|[\s.[@$])/.exec(this.text.slice(this.at))?.[1];
    if (found !== "range" && found !== "end") return undefined;
    this.at += found.length;
    return found;
  }

  /** A text in quotes, its escapes resolved. */
  quoted(): string {
    const quote = this.text[this.at];
    let value = "";
    for (this.at += 1; this.at < this.text.length; this.at += 1) {
      const char = this.text[this.at] ?? "";
      if (char === quote) {
        this.at += 1;
        return value;
      }
      if (char === "\\") {
        this.at += 1;
        const escaped = this.text[this.at] ?? "";
        value += ESCAPES[escaped] ?? escaped;
      } else value += char;
    }
    throw this.refuse("a quote is not closed");
  }

  seesName(): boolean {
    const char = this.text[this.at];
    return char !== undefined && !NAME_END.test(char) && !this.isQuote();
  }

  /** The name of a field; a backslash takes what follows as it is. */
  name(): string {
    let name = "";
    while (this.seesName()) {
      if (this.sees("\\")) this.at += 1;
      name += this.text[this.at] ?? "";
      this.at += 1;
    }
    if (name === "") throw this.refuse("a name is missing");
    return name;
  }

  /** What stands in brackets, without them; brackets within may be nested or quoted. */
  brackets(): string {
    const from = this.at + 1;
    let depth = 0;
    let quote = "";
    for (; this.at < this.text.length; this.at += 1) {
      const char = this.text[this.at] ?? "";
      if (char === "\\") this.at += 1;
      else if (quote !== "") quote = char === quote ? "" : quote;
      else if (char === "'" || char === '"') quote = char;
      else if (char === "[") depth += 1;
      else if (char === "]") depth -= 1;
      if (depth > 0 || quote !== "") continue;
      this.at += 1;
      return this.text.slice(from, this.at - 1);
    }
    throw this.refuse("a bracket is not closed");
  }

  /** Throws when something is left. */
  expectEnd(): void {
    this.skipSpaces();
    if (this.at < this.text.length) throw this.refuse(`"${this.text.slice(this.at)}" makes no sense here`);
  }

  /** The failure to throw. */
  refuse(why: string): TallshipError {
    return new TallshipError("invalid_argument", `jsonpath "${this.whole}": ${why}`);
  }
}
