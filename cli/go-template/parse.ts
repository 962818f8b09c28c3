import { usageError } from "../verb.js";
import { type Token, tokensOf } from "./tokens.js";

/** A value that a template asks for. */
export type Expression =
  | { readonly is: "value"; readonly value: string | number | boolean | null }
  /** Fields of the dot, or of a variable; the variable "" is the whole. */
  | { readonly is: "path"; readonly variable: string | undefined; readonly fields: readonly string[] }
  | { readonly is: "call"; readonly name: string; readonly args: readonly Expression[] }
  /** Fields of what stands in parentheses. */
  | { readonly is: "of"; readonly value: Expression; readonly fields: readonly string[] };

/** A part of a template. */
export type TemplateNode =
  | { readonly is: "text"; readonly text: string }
  | { readonly is: "print"; readonly value: Expression }
  | { readonly is: "set"; readonly variable: string; readonly value: Expression }
  | {
      readonly is: "if" | "with";
      readonly value: Expression;
      readonly then: readonly TemplateNode[];
      readonly otherwise: readonly TemplateNode[];
    }
  | {
      readonly is: "range";
      /** Key and element, or the element alone. */
      readonly variables: readonly string[];
      readonly value: Expression;
      readonly then: readonly TemplateNode[];
      readonly otherwise: readonly TemplateNode[];
    };

type Piece = { readonly text: string } | { readonly action: string };

/**
 * Reads a template in Go's language as docker's --format takes it: fields, variables, if, with, range, pipes and parentheses; blocks that are named and called (define, template, block) are not.
 * Throws usage errors.
 */
export function parseTemplate(template: string): readonly TemplateNode[] {
  const reader = new Reader(piecesOf(template));
  const nodes = reader.block([]);
  return nodes;
}

function piecesOf(template: string): readonly Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  let trims = false;
  const text = (end: number, trimsEnd: boolean): void => {
    let found = template.slice(at, end);
    if (trims) found = found.trimStart();
    if (trimsEnd) found = found.trimEnd();
    if (found !== "") pieces.push({ text: found });
  };
  for (let open = template.indexOf("{{"); open !== -1; open = template.indexOf("{{", at)) {
    const close = closing(template, open + 2);
    const inner = template.slice(open + 2, close);
    text(open, /^-\s/.test(inner));
    const body = inner.replace(/^-\s/, "").replace(/\s-$/, "").trim();
    if (!body.startsWith("/*")) pieces.push({ action: body });
    trims = /\s-$/.test(inner);
    at = close + 2;
  }
  text(template.length, false);
  return pieces;
}

/** Where an action ends; braces in its texts do not count. */
function closing(template: string, from: number): number {
  let quote = "";
  for (let at = from; at < template.length; at += 1) {
    const letter = template[at] ?? "";
    if (quote !== "") {
      if (letter === "\\" && quote === '"') at += 1;
      else if (letter === quote) quote = "";
    } else if (letter === '"' || letter === "`") quote = letter;
    else if (template.startsWith("}}", at)) return at;
  }
  throw usageError(`template: {{ is not closed in ${JSON.stringify(template)}`);
}

const KEYWORDS = ["if", "with", "range", "else", "end"];
const MISSING = ["define", "template", "block", "break", "continue"];

class Reader {
  private readonly pieces: readonly Piece[];
  private at = 0;

  constructor(pieces: readonly Piece[]) {
    this.pieces = pieces;
  }

  /** Nodes up to one of the words, which is consumed by the caller; up to the end when there is none. */
  block(until: readonly string[]): readonly TemplateNode[] {
    const nodes: TemplateNode[] = [];
    for (;;) {
      const piece = this.pieces[this.at];
      if (piece === undefined) {
        if (until.length > 0) throw usageError("template: {{end}} is missing");
        return nodes;
      }
      const word = "action" in piece ? (/^[a-z]+/.exec(piece.action)?.[0] ?? "") : "";
      if (until.includes(word)) return nodes;
      this.at += 1;
      if ("text" in piece) nodes.push({ is: "text", text: piece.text });
      else nodes.push(this.action(piece.action, word));
    }
  }

  private action(action: string, word: string): TemplateNode {
    if (MISSING.includes(word)) throw usageError(`template: {{${word}}} is not supported`);
    if (word === "else" || word === "end") throw usageError(`template: {{${word}}} without a beginning`);
    if (!KEYWORDS.includes(word)) return statement(tokensOf(action));
    const tokens = tokensOf(action.slice(word.length));
    const { variables, rest } = word === "range" ? rangeVariables(tokens) : { variables: [], rest: tokens };
    const value = pipeline(rest);
    const then = this.block(["else", "end"]);
    const otherwise = this.otherwise();
    if (word === "range") return { is: "range", variables, value, then, otherwise };
    return { is: word === "with" ? "with" : "if", value, then, otherwise };
  }

  /** What follows {{else}}, and the {{end}}. */
  private otherwise(): readonly TemplateNode[] {
    const piece = this.pieces[this.at];
    const action = piece !== undefined && "action" in piece ? piece.action : "";
    this.at += 1;
    if (action === "end") return [];
    const nested = /^else\s+(if|with)\b(.*)$/s.exec(action);
    if (nested !== null) return [this.action(`${nested[1]}${nested[2]}`, nested[1] ?? "")];
    const nodes = this.block(["end"]);
    this.at += 1;
    return nodes;
  }
}

function statement(tokens: readonly Token[]): TemplateNode {
  const [first, second] = tokens;
  const isSet =
    first?.is === "variable" && first.fields.length === 0 && (second?.text === ":=" || second?.text === "=");
  if (isSet) return { is: "set", variable: first.text, value: pipeline(tokens.slice(2)) };
  return { is: "print", value: pipeline(tokens) };
}

function rangeVariables(tokens: readonly Token[]): {
  readonly variables: readonly string[];
  readonly rest: readonly Token[];
} {
  const at = tokens.findIndex(({ text, is }) => is === "sign" && text === ":=");
  if (at === -1) return { variables: [], rest: tokens };
  const variables = tokens.slice(0, at).filter(({ is }) => is === "variable");
  return { variables: variables.map(({ text }) => text), rest: tokens.slice(at + 1) };
}

/** Commands one after the other: what one gives is the last argument of the next. */
function pipeline(tokens: readonly Token[]): Expression {
  const queue = [...tokens];
  let value = command(queue);
  while (queue[0]?.text === "|") {
    queue.shift();
    const next = command(queue);
    if (next.is !== "call") throw usageError("template: what follows | is not a function");
    value = { ...next, args: [...next.args, value] };
  }
  const [left] = queue;
  if (left !== undefined) throw usageError(`template: unexpected ${left.text}`);
  return value;
}

function command(queue: Token[]): Expression {
  const [first] = queue;
  if (first?.is !== "name") return operand(queue);
  queue.shift();
  const args: Expression[] = [];
  while (queue[0] !== undefined && queue[0].text !== "|" && queue[0].text !== ")") args.push(operand(queue));
  return { is: "call", name: first.text, args };
}

function operand(queue: Token[]): Expression {
  const token = queue.shift();
  if (token === undefined) throw usageError("template: {{}} is empty, or ends too early");
  switch (token.is) {
    case "literal":
      return { is: "value", value: token.value };
    case "path":
      return { is: "path", variable: undefined, fields: token.fields };
    case "variable":
      return { is: "path", variable: token.text, fields: token.fields };
    case "name":
      return { is: "call", name: token.text, args: [] };
    case "sign":
      return token.text === "(" ? grouped(queue) : unexpected(token.text);
  }
}

function grouped(queue: Token[]): Expression {
  let depth = 1;
  let end = 0;
  for (; end < queue.length && depth > 0; end += 1) {
    const { is, text } = queue[end] ?? { is: "sign", text: "" };
    if (is === "sign" && text === "(") depth += 1;
    if (is === "sign" && text === ")") depth -= 1;
  }
  if (depth > 0) throw usageError("template: ( is not closed");
  const inner = queue.splice(0, end).slice(0, -1);
  const value = pipeline(inner);
  const [after] = queue;
  if (after?.is !== "path" || !after.isAttached) return value;
  queue.shift();
  return { is: "of", value, fields: after.fields };
}

function unexpected(text: string): never {
  throw usageError(`template: unexpected ${text}`);
}
