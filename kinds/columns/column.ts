/** One column of a kind's table. */
export interface Column<T> {
  /** Heading, in capitals as kubectl writes it. */
  readonly name: string;
  /** Shown only with `-o wide`. */
  readonly isWide?: boolean;
  /** The cell's text; empty only where kubectl leaves a cell blank. */
  readonly cell: (object: T, nowMs: number) => string;
}

/** Stands for what is not there. */
export const NONE = "<none>";

/** The text, or `<none>`. */
export function orNone(text: string | undefined): string {
  return text === undefined || text === "" ? NONE : text;
}

/** What every object has: enough for NAME and AGE. */
export interface WithMeta {
  readonly metadata?: { readonly name: string; readonly creationTimestamp: string } | undefined;
}
