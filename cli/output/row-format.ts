import { renderTemplate } from "../go-template/evaluate.js";
import { formatTable } from "../table.js";

/** A column of a table: the field of its rows, and what stands above it. */
export type Column = readonly [field: string, heading: string];

/** A row by its fields. */
export type FormatRow = Readonly<Record<string, string>>;

/**
 * Rows as docker's --format has them: a table when absent or `table`, JSON lines for `json`, else a template for each row; after `table ` the template makes the columns. Templates may name fields that
 * the table has not.
 */
export function formatRows(
  rows: readonly FormatRow[],
  {
    format = "table",
    columns,
    headings = {},
  }: { readonly format: string | undefined; readonly columns: readonly Column[]; readonly headings?: FormatRow },
): string {
  if (format === "json") return rows.map((row) => `${JSON.stringify(row)}\n`).join("");
  if (format === "table")
    return formatTable([
      columns.map(([, heading]) => heading),
      ...rows.map((row) => columns.map(([field]) => row[field] ?? "")),
    ]);
  const [, template] = /^table\s+(.*)$/s.exec(format) ?? [];
  if (template === undefined) return rows.map((row) => `${renderTemplate(format, row)}\n`).join("");
  const head = { ...Object.fromEntries(columns), ...headings };
  const fields = Object.keys(rows[0] ?? head);
  const heads = Object.fromEntries(fields.map((field) => [field, head[field] ?? field.toUpperCase()]));
  const cells = [heads, ...rows].map((row) => renderTemplate(template.replaceAll("\\t", "\t"), row).split("\t"));
  return formatTable(cells);
}
