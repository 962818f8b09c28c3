import { usageError } from "../verb.js";

/** A word of an action. */
export type Token =
  | { readonly is: "literal"; readonly text: string; readonly value: string | number | boolean | null }
  /** .A.B; attached when it follows a parenthesis without a space. */
  | { readonly is: "path"; readonly text: string; readonly fields: readonly string[]; readonly isAttached: boolean }
  /** $name.A; the text is the name, empty for $ alone. */
  | { readonly is: "variable"; readonly text: string; readonly fields: readonly string[] }
  | { readonly is: "name"; readonly text: string }
  | { readonly is: "sign"; readonly text: string };

const FORMS: readonly (readonly [RegExp, (text: string, before: string) => Token])[] = [
  [/^"(?:[^"\\]|\\.)*"/, (text) => ({ is: "literal", text, value: unquoted(text) })],
  [/^`[^`]*`/, (text) => ({ is: "literal", text, value: text.slice(1, -1) })],
  [/^-?\d+(?:\.\d+)?/, (text) => ({ is: "literal", text, value: Number(text) })],
  [
    /^\$(?:[A-Za-z_]\w*)?(?:\.[A-Za-z_]\w*)*/,
    (text) => {
      const [name = "", ...fields] = text.slice(1).split(".");
      return { is: "variable", text: name, fields };
    },
  ],
  [
    /^(?:\.[A-Za-z_]\w*)+|^\./,
    (text, before) => ({ is: "path", text, fields: text.split(".").filter(Boolean), isAttached: before === ")" }),
  ],
  [/^[A-Za-z_]\w*/, (text) => word(text)],
  [/^(?::=|[|(),=])/, (text) => ({ is: "sign", text })],
];

/** The words of an action. Throws usage errors. */
export function tokensOf(action: string): readonly Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < action.length) {
    const space = /^\s+/.exec(action.slice(at))?.[0].length ?? 0;
    at += space;
    const rest = action.slice(at);
    if (rest === "") break;
    const found = FORMS.map(([form, make]) => ({ text: form.exec(rest)?.[0], make })).find(
      ({ text }) => text !== undefined,
    );
    if (found?.text === undefined)
      throw usageError(`template: {{${action}}} cannot be read at ${JSON.stringify(rest)}`);
    tokens.push(found.make(found.text, space > 0 ? " " : (action[at - 1] ?? "")));
    at += found.text.length;
  }
  return tokens;
}

function word(text: string): Token {
  if (text === "true" || text === "false") return { is: "literal", text, value: text === "true" };
  return text === "nil" ? { is: "literal", text, value: null } : { is: "name", text };
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", '"': '"', "\\": "\\" };

/** A text of Go's between double quotes. */
function unquoted(text: string): string {
  return text.slice(1, -1).replace(/\\(.)/g, (whole, letter: string) => ESCAPES[letter] ?? whole);
}
