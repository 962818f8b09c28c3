import { TallshipError } from "../../lib/errors.js";
import { merged, type TraceNode, type TracePod } from "./trace.js";

const NODE_COLUMNS = ["sn", "cpu_milli", "memory_mib", "gpu", "model"];
const POD_COLUMNS = [
  "name",
  "cpu_milli",
  "memory_mib",
  "num_gpu",
  "gpu_milli",
  "gpu_spec",
  "qos",
  "pod_phase",
  "creation_time",
  "deletion_time",
  "scheduled_time",
];

/** A file's text, and the name to call it by. */
export interface NamedText {
  readonly name: string;
  readonly text: string;
}

/** Reads node rows. Throws invalid_argument with file, line and column at the first that is wrong. */
export function readNodes(file: NamedText): readonly TraceNode[] {
  return rowsOf(file, NODE_COLUMNS).map((row) => ({
    name: row.text("sn"),
    cpuMillicores: row.count("cpu_milli"),
    memoryMib: row.count("memory_mib"),
    gpuCount: row.count("gpu", 64),
    model: row.optional("model"),
  }));
}

/** Reads pod rows; as many GPUs as they have thousandths of, whole ones where there are several. Throws as `readNodes`. */
export function readPods(file: NamedText): readonly TracePod[] {
  const pods = rowsOf(file, POD_COLUMNS).map((row): TracePod => {
    row.text("name");
    const gpuCount = row.count("num_gpu", 64);
    const gpuMilli = row.count("gpu_milli", 1_000);
    if (gpuCount > 0 && gpuMilli === 0) row.refuse("gpu_milli", `want 1 to 1000 for ${gpuCount} GPUs, found 0`);
    if (gpuCount > 1 && gpuMilli < 1_000) row.refuse("gpu_milli", `want 1000 for ${gpuCount} GPUs, found ${gpuMilli}`);
    return {
      cpuMillicores: row.count("cpu_milli"),
      memoryMib: row.count("memory_mib"),
      gpuCount,
      gpuMilli: gpuCount === 0 ? 0 : gpuMilli,
      models: row
        .optional("gpu_spec")
        .split("|")
        .filter((model) => model !== ""),
    };
  });
  return merged(pods);
}

/** One row, by the names of its columns. */
interface Row {
  text(column: string): string;
  optional(column: string): string;
  count(column: string, most?: number): number;
  refuse(column: string, why: string): never;
}

const MOST = 1e12;

/** The rows below the header; columns may come in any order, and others beside them. */
function rowsOf(file: NamedText, wanted: readonly string[]): readonly Row[] {
  const lines = file.text.replace(/^\uFEFF/, "").split(/\r?\n/);
  const header = fieldsOf(lines[0] ?? "", { file, line: 1 });
  const missing = wanted.find((column) => !header.some(({ text }) => text === column));
  if (missing !== undefined)
    fail(file, 1, 1, `want a column ${missing}, found ${header.map(({ text }) => text).join(",")}`);
  const rows = lines.flatMap((text, at): readonly Row[] => {
    if (at === 0 || text.trim() === "") return [];
    const line = at + 1;
    const fields = fieldsOf(text, { file, line });
    if (fields.length !== header.length)
      fail(file, line, text.length + 1, `want ${header.length} fields, found ${fields.length}`);
    const field = (column: string): Field =>
      fields[header.findIndex((one) => one.text === column)] ?? { text: "", column: 1 };
    const refuse = (column: string, why: string): never => fail(file, line, field(column).column, `${column}: ${why}`);
    const filled = (column: string): string => field(column).text || refuse(column, "want a value, found none");
    return [
      {
        refuse,
        text: filled,
        optional: (column) => field(column).text,
        count: (column, most = MOST) => {
          const text2 = filled(column);
          const value = Number(text2);
          if (!/^\d+(\.0+)?$/.test(text2) || value > most)
            refuse(column, `want a whole number up to ${most}, found ${JSON.stringify(text2)}`);
          return value;
        },
      },
    ];
  });
  if (rows.length === 0) fail(file, 2, 1, "want at least one row, found none");
  return rows;
}

interface Field {
  readonly text: string;
  /** Where it begins, from 1. */
  readonly column: number;
}

const FIELD = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/y;

/** The fields of a line; those with commas stand in double quotes, which are doubled inside. */
function fieldsOf(text: string, { file, line }: { readonly file: NamedText; readonly line: number }): readonly Field[] {
  const fields: Field[] = [];
  FIELD.lastIndex = 0;
  for (;;) {
    const column = FIELD.lastIndex + 1;
    const match = FIELD.exec(text);
    if (match === null)
      fail(file, line, column, 'want a field, or one in double quotes, before "," or the end of the line');
    fields.push({ text: (match[1]?.replaceAll('""', '"') ?? match[2] ?? "").trim(), column });
    if (match[3] === "") return fields;
  }
}

function fail({ name }: NamedText, line: number, column: number, why: string): never {
  throw new TallshipError("invalid_argument", `read trace ${name}:${line}:${column}: ${why}`);
}
