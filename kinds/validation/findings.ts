import { type PathStep, pathText } from "../problem.js";

/** What kind of thing is wrong with a field. */
export type FieldErrorCode =
  | "required"
  | "invalid"
  | "duplicate"
  | "not_found"
  | "forbidden"
  | "immutable"
  | "too_many";

/** One thing that is wrong with an object. */
export interface FieldError {
  /** Path of the field, such as spec.containers[0].image. */
  readonly path: string;
  readonly message: string;
  readonly code: FieldErrorCode;
}

/** A path as its steps. */
export type Path = readonly PathStep[];

/** A value as messages show it: at most 80 characters of it. */
export function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

/** Collects what is wrong. */
export class Findings {
  readonly errors: FieldError[] = [];

  add(code: FieldErrorCode, path: Path, message: string): void {
    this.errors.push({ code, path: pathText(path), message });
  }

  /** Reports every value that stands twice; `pathOf` gives the place of an index. Empty values do not count. */
  unique(values: readonly string[], pathOf: (index: number) => Path): void {
    const seen = new Set<string>();
    for (const [index, value] of values.entries()) {
      if (value !== "" && seen.has(value))
        this.add("duplicate", pathOf(index), `${JSON.stringify(value)} stands twice`);
      seen.add(value);
    }
  }

  /** Reports unless exactly one of the named parts is present. */
  exactlyOne(parts: Readonly<Record<string, unknown>>, path: Path): void {
    const present = Object.keys(parts).filter((name) => parts[name] !== undefined);
    if (present.length === 1) return;
    const names = Object.keys(parts).join(", ");
    if (present.length === 0) this.add("required", path, `want one of ${names}`);
    else this.add("forbidden", path, `want only one of ${present.join(", ")}`);
  }
}
