/** Writes rows as kubectl does: columns as wide as their widest cell and three spaces, the last one as it is. */
export function formatTable(rows: readonly (readonly string[])[], indent = ""): string {
  const widths = widthsOf(rows);
  return rows.map((row) => formatRow(row, widths, indent)).join("");
}

/** Width of each column, with its gap. */
export function widthsOf(rows: readonly (readonly string[])[]): readonly number[] {
  const widths: number[] = [];
  for (const row of rows)
    for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? NARROWEST, cell.length + GAP);
  return widths;
}

/** One line; cells wider than their column push the rest to the right. */
export function formatRow(row: readonly string[], widths: readonly number[], indent = ""): string {
  const padded = row.map((cell, at) =>
    at === row.length - 1 ? cell : cell.padEnd(widths[at] ?? 0).concat(cell.length >= (widths[at] ?? 0) ? " " : ""),
  );
  return `${indent}${padded.join("").trimEnd()}\n`;
}

const GAP = 3;
const NARROWEST = 6;
