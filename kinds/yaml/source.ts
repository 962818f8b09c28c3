/** A text and the name that errors give it: a file's path, or "stdin". */
export interface Source {
  readonly name: string;
  readonly text: string;
  /** For several sources as one: which of them an offset is of, in order of their starts. */
  readonly spans?: readonly SourceSpan[];
  /** Offset of each line's first character; filled when the first position is asked for. */
  lineStarts?: readonly number[];
}

/** A source and the first offset that is its own: a tree made of parts of many sources still knows where each part stands. */
export interface SourceSpan {
  readonly start: number;
  readonly source: Source;
}

/** A place in a source; line and column count from 1, columns in UTF-16 units. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** The line and column of an offset. The line table is made once per source. */
export function positionAt(source: Source, offset: number): Position {
  source.lineStarts ??= lineStartsOf(source.text);
  let low = 0;
  let high = source.lineStarts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((source.lineStarts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return { line: low + 1, column: offset - (source.lineStarts[low] ?? 0) + 1 };
}

/** The place as errors write it: file:line:column. */
export function placeText(source: Source, offset: number): string {
  const span = source.spans?.findLast(({ start }) => start <= offset);
  if (span !== undefined) return placeText(span.source, offset - span.start);
  const { line, column } = positionAt(source, offset);
  return `${source.name}:${line}:${column}`;
}

function lineStartsOf(text: string): readonly number[] {
  const starts = [0];
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return starts;
}

const MARK = "\uFEFF";
/** Marks before a document separator, or on the line after one: there alone YAML takes them for marks. */
const INNER_MARKS = /^\uFEFF(?=---)|(?<=^---[^\n]*\n)\uFEFF/gm;

/** The text without byte order marks, as every reader here expects it: at its start, and where files with one were put behind each other. */
export function stripBom(text: string): string {
  const rest = text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
  return rest.includes(MARK) ? rest.replace(INNER_MARKS, "") : rest;
}
