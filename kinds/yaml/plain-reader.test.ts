import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseGeneralYaml } from "./general-reader.js";
import { readPlainYaml } from "./plain-reader.js";

const ATOM = fc.constantFrom(
  "a",
  "b-c",
  "-x",
  "-",
  "nginx:1.25",
  "a:",
  "a b",
  '"q"',
  "'r'",
  '"a\\"',
  "''",
  "",
  "1",
  "x.y/z",
  "null",
  "#",
  '"a"b',
  "a,b",
  "&a",
  "é",
);
const FLOW: fc.Arbitrary<string> = fc.letrec<{ flow: string }>((tie) => ({
  flow: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    ATOM,
    fc
      .tuple(fc.array(tie("flow"), { maxLength: 3 }), fc.constantFrom(", ", ",", " , "))
      .map(([items, comma]) => `[${items.join(comma)}]`),
    fc
      .tuple(
        fc.array(fc.tuple(ATOM, fc.constantFrom(": ", ":", " : "), tie("flow")), { maxLength: 3 }),
        fc.constantFrom("", " ", ","),
      )
      .map(([entries, end]) => `{${entries.map((entry) => entry.join("")).join(", ")}${end}}`),
  ),
})).flow;

/** What the general reader makes of a text; undefined when it finds anything wrong. */
function general(text: string): unknown {
  const { documents, problems } = parseGeneralYaml({ name: "x", text });
  return problems.length === 0 ? documents : undefined;
}

const WORD = fc.constantFrom(
  "a",
  "b",
  "name",
  "app.kubernetes.io/name",
  "8080",
  "x-y_z",
  "-",
  "on",
  "nginx:1.25",
  "http://x/y?z=1",
  "-1",
  "--flag",
  "a b  c",
  "500m",
  "1e3",
  "~",
  "null",
  "it's",
  "50%",
  "a#b",
  "..",
  "...",
  "---",
  "%x",
  "é",
  "a\\b",
);
const SCALAR = fc.oneof(
  FLOW,
  WORD,
  WORD.map((word) => `"${word}"`),
  WORD.map((word) => `'${word}'`),
  fc.constantFrom(
    "{}",
    "[]",
    "{a: b}",
    "[a, b]",
    "&x a",
    "*x",
    "!!str 1",
    "|",
    ">",
    "|-",
    "|+",
    "|2",
    "a: b",
    "a:",
    "- a",
    "? a",
    "# no",
    "@x",
    "`x`",
    '"a\\nb"',
    "'a''b'",
    '"a" b',
    "a # b",
    '"a"# b',
    "a\tb",
    "\u00a0",
    "\u2028x",
  ),
);
const LINE = fc
  .tuple(
    fc.constantFrom(0, 0, 2, 2, 4, 4, 6, 1, 3),
    fc.constantFrom("", "", "", "- ", "- ", "-   ", "-", "- - "),
    fc.option(WORD, { nil: undefined }),
    fc.constantFrom(": ", ":", ":  ", " : "),
    fc.option(SCALAR, { nil: "" }),
    fc.constantFrom("", "", "", " ", " # c", "# c", "\t"),
  )
  .map(
    ([indent, dash, key, colon, value, tail]) =>
      `${" ".repeat(indent)}${dash}${key === undefined ? "" : `${key}${colon}`}${value}${tail}`,
  );
const RARE = fc.constantFrom(
  "",
  "   ",
  "# comment",
  "  # comment",
  "---",
  "--- ",
  "--- # c",
  "--- a",
  "...",
  "    text",
  "\tx: y",
  "%YAML 1.1",
  "\u0007",
);
const TEXT = fc
  .tuple(
    fc.array(fc.oneof({ weight: 9, arbitrary: LINE }, { weight: 2, arbitrary: RARE }), { maxLength: 12 }),
    fc.constantFrom("\n", "\n", "\n", "", "\r\n"),
  )
  .map(([lines, end]) => lines.join(end === "\r\n" ? end : "\n") + end);

/** A manifest as people write them, and every way to break one character of it. */
const MANIFEST = `# A comment.
apiVersion: v1
kind: Pod
metadata:
  name: web   # its name
  labels:
    app.kubernetes.io/name: "web"
spec:
  nodeSelector:
  containers:
  - name: main
    image: nginx:1.25
    command:
      - sh
      - -c
      - 'echo hi'
    args:
    - |
      one
        two

      three
    env:
    - name: A
      value: |-
        x: y
        # no comment

  volumes:
    -
      name: v
---
kind: Empty
data:
`;
const MUTATION = fc.tuple(
  fc.nat(MANIFEST.length),
  fc.nat(6),
  fc.constantFrom(
    "",
    " ",
    "  ",
    "\n",
    "#",
    ":",
    "-",
    "- ",
    '"',
    "'",
    "|",
    ">",
    "\t",
    "&",
    "*",
    "{",
    "[",
    "!",
    "%",
    "?",
    ": ",
    "\n\n",
    "\n  ",
    "x",
    "---\n",
    "\r",
  ),
);

function sameAsGeneral(text: string): boolean {
  const plain = readPlainYaml(text);
  if (plain === undefined) return false;
  expect({ text, read: plain }).toEqual({ text, read: general(text) });
  return true;
}

describe("where the plain reader answers, it answers as the general one", () => {
  test("on lines at random", () => {
    let answered = 0;
    fc.assert(
      fc.property(TEXT, (text) => {
        if (sameAsGeneral(text)) answered += 1;
      }),
      { seed: 1, numRuns: 20_000 },
    );
    // A reader that never answers would keep the law.
    expect(answered).toBeGreaterThan(150);
  });

  test("on a manifest with pieces cut out and put in", () => {
    let answered = 0;
    fc.assert(
      fc.property(fc.array(MUTATION, { minLength: 1, maxLength: 3 }), (mutations) => {
        let text = MANIFEST;
        for (const [at, length, insert] of mutations) text = `${text.slice(0, at)}${insert}${text.slice(at + length)}`;
        if (sameAsGeneral(text)) answered += 1;
      }),
      { seed: 1, numRuns: 2_000 },
    );
    expect(answered).toBeGreaterThan(150);
  });

  const plain = [
    MANIFEST,
    "a: 1\n",
    "a:\n- 1\n- 2\nb: 3\n",
    "a:   # c\n  b: 1\n",
    "- a: 1\n  b: 2\n-   c: 3\n    d: 4\n",
    "-\n  a: 1\n",
    "a: |\n  x\n\n\n---\nb: |+\n  y\n\n",
    "a: x # y\nb: x#y\n",
    "\n\n# only\n",
    "a: b",
    'a: {}\nb: []\nc: {app: web, n: [1, "x"]}  # d\nd: ["sh", "-c", nginx:1.25]\n',
  ];
  test.each(plain)("it reads %j", (text) => {
    expect(sameAsGeneral(text)).toBe(true);
  });
});
