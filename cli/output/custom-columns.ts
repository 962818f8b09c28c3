import type { Json } from "../../kinds/encode.js";
import { follow, valueText } from "../jsonpath/evaluate.js";
import { parsePath } from "../jsonpath/parse.js";
import type { Step } from "../jsonpath/template.js";
import { safeText } from "../safe-text.js";
import { formatTable } from "../table.js";
import { usageError } from "../verb.js";

/** A column that the user has made up. */
export interface CustomColumn {
  readonly heading: string;
  readonly path: readonly Step[];
}

/** Reads `NAME:.metadata.name,NODE:.spec.nodeName`. Commas and colons within brackets belong to the path. */
export function columnsInText(text: string): readonly CustomColumn[] {
  return text.split(/,(?![^[]*\])/).map((part) => {
    const colon = part.indexOf(":");
    if (colon <= 0 || colon === part.length - 1)
      throw usageError(`-o custom-columns: "${part}" is not HEADING:.path.of.field`);
    return { heading: part.slice(0, colon), path: parsePath(part.slice(colon + 1)) };
  });
}

/** Reads a file whose first line holds the headings and whose second holds the paths, with spaces between. */
export function columnsInFile(text: string): readonly CustomColumn[] {
  const [headings = [], paths = []] = text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => line.trim().split(/\s+/));
  if (headings.length === 0 || headings.length !== paths.length)
    throw usageError(
      `-o custom-columns-file: the first line holds ${headings.length} headings, the second ${paths.length} paths`,
    );
  return headings.map((heading, at) => ({ heading, path: parsePath(paths[at] ?? "") }));
}

/** The table: a row per object, several values of a path with commas between. */
export function printColumns(
  columns: readonly CustomColumn[],
  objects: readonly Json[],
  withHeadings: boolean,
): string {
  const rows = objects.map((object) =>
    columns.map(({ path }) => {
      const texts = follow(path, object).map(valueText);
      return texts.length === 0 ? "<none>" : safeText(texts.join(",").replace(/[\n\t]+/g, " "));
    }),
  );
  return formatTable(withHeadings ? [columns.map(({ heading }) => heading), ...rows] : rows);
}
