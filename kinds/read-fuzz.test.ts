import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { problemText } from "./problem.js";
import { readObjects } from "./read.js";
import { parseYaml } from "./yaml/parse.js";

// Files that somebody has damaged: half saved, badly merged, or meant to harm. Whatever stands there is objects or named problems, and nothing else.

const folder = new URL("../manifests/", import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith(".yaml") && name !== "compose.yaml");
const texts = files.map((name) => readFileSync(new URL(name, folder), "utf8"));

/** What does most harm where it does not belong. */
const PIECES = [
  "",
  " ",
  "\n",
  "\t",
  ":",
  "- ",
  "-",
  "#",
  "'",
  '"',
  "{",
  "}",
  "[",
  "]",
  ",",
  "&a",
  "*a",
  "<<: *a",
  "!!int",
  "!x",
  "|",
  ">",
]
  .concat([
    "---\n",
    "...",
    "?",
    "%YAML 1.1\n",
    "\u0000",
    "\ufeff",
    "\u2028",
    "\ud800",
    "~",
    "null",
    "0x1f",
    "1e999",
    "-0",
    "99999999999999999999",
  ])
  .concat(["__proto__: 1\n", "constructor: {}\n", "kind: List\nitems: []\n", "apiVersion: v1\n"]);

/** One damage: so many characters from a place on are replaced; places and lengths are shares, so that they fit any text. */
const damage = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  length: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 40 })),
  piece: fc.oneof(fc.constantFrom(...PIECES), fc.string({ maxLength: 6 })),
  /** Something from elsewhere in the file goes there too. */
  moved: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined }),
});

test("a damaged manifest is objects, or problems that stand at a place of its own; nothing is thrown", () => {
  const damages = fc.array(damage, { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(fc.constantFrom(...texts), damages, (whole, all) => {
      let text = whole;
      for (const { at, length, piece, moved } of all) {
        const from = Math.floor(at * text.length);
        const other = moved === undefined ? 0 : Math.floor(moved * text.length);
        const part = moved === undefined ? "" : text.slice(other, other + 60);
        text = text.slice(0, from) + piece + part + text.slice(from + length);
      }
      const { problems, warnings } = readObjects([parseYaml({ name: "damaged.yaml", text })], {
        namespace: "default",
        isNamespaceAsked: false,
      });
      for (const problem of [...problems, ...warnings]) {
        expect(problem.at).toBeGreaterThanOrEqual(0);
        expect(problem.at).toBeLessThanOrEqual(text.length);
        expect(problemText(problem)).toMatch(/^damaged\.yaml:\d+:\d+: ./);
      }
    }),
    { numRuns: 400 },
  );
});
