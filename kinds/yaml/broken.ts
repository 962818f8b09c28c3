import { type Document, isCollection, isScalar, type Node, visit, type YAMLParseError } from "yaml";

/** A broken place of a document and what is wrong there. */
export interface Broken {
  readonly at: number;
  readonly message: string;
}

/**
 * What the library found, as a user can mend it: what is not closed is told where it opens, since the end of the file says nothing, and a text that
 * was taken for a map is called by its name.
 */
export function brokenPlace({ code, message, pos }: YAMLParseError, document: Document.Parsed): Broken {
  const [at] = pos;
  if (code === "MISSING_CHAR" && message.includes("quote"))
    return openedBefore(at, document, isQuoted, "this quote is not closed");
  if (code === "BAD_INDENT" && message.startsWith("Flow "))
    return openedBefore(at, document, isFlow, "this bracket is not closed");
  if (code === "BLOCK_AS_IMPLICIT_KEY")
    return { at, message: 'the ": " in this value makes a map of it; put it in quotes' };
  return { at, message: tidy(message) };
}

function openedBefore(
  end: number,
  document: Document.Parsed,
  isMeant: (node: Node) => boolean,
  message: string,
): Broken {
  let at = end;
  visit(document, {
    Node: (_, node) => {
      const start = node.range?.[0] ?? end;
      if (start < end && isMeant(node)) at = start;
    },
  });
  return { at, message };
}

function isQuoted(node: Node): boolean {
  return isScalar(node) && (node.type === "QUOTE_DOUBLE" || node.type === "QUOTE_SINGLE");
}

function isFlow(node: Node): boolean {
  return isCollection(node) && node.flow === true;
}

/** The library's message as ours: lower case, without a full stop. */
function tidy(message: string): string {
  const text = message.replace(/\.$/, "");
  return `${text.charAt(0).toLowerCase()}${text.slice(1)}`;
}

/** What to do about a line that is a template's, such as `name: {{ .Values.name }}`; empty for any other. */
export function templateHint(text: string, at: number): string {
  const from = text.lastIndexOf("\n", at - 1) + 1;
  const end = text.indexOf("\n", at);
  const line = text.slice(from, end === -1 ? undefined : end);
  return line.includes("{{") ? "; a template must be rendered first (helm template)" : "";
}
