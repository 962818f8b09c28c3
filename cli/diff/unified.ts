import { type DiffLine, diffLines, type Hunk, hunksOf } from "../../lib/line-diff.js";

/** Two texts and what each is called. */
export interface Compared {
  readonly name: string;
  readonly before: string;
  readonly after: string;
}

const AROUND = 3;
const SIGNS: Readonly<Record<DiffLine["is"], string>> = { same: " ", removed: "-", added: "+" };

/** A unified diff, with colours for a terminal when asked; empty when the texts are the same. */
export function unifiedDiff({ name, before, after }: Compared, isColoured: boolean): string {
  if (before === after) return "";
  const paint = (colour: keyof typeof COLOURS, text: string): string =>
    isColoured ? `\x1b[${COLOURS[colour]}m${text}\x1b[0m` : text;
  const hunks = hunksOf(diffLines(linesOf(before), linesOf(after)), AROUND);
  const heading = [`diff live/${name} merged/${name}`, `--- live/${name}`, `+++ merged/${name}`];
  const body = hunks.flatMap((hunk) => [
    paint("place", placeOf(hunk)),
    ...hunk.lines.map(({ is, text }) => (is === "same" ? ` ${text}` : paint(is, `${SIGNS[is]}${text}`))),
  ]);
  return `${[...heading.map((line) => paint("heading", line)), ...body].join("\n")}\n`;
}

const COLOURS = { heading: "1", place: "36", removed: "31", added: "32" } as const;

function placeOf({ before, after }: Hunk): string {
  return `@@ -${before.first},${before.count} +${after.first},${after.count} @@`;
}

function linesOf(text: string): readonly string[] {
  return text === "" ? [] : text.replace(/\n$/, "").split("\n");
}
