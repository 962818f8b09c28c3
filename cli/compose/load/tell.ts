import { type PathStep, type Problem, pathText } from "../../../kinds/problem.js";
import type { ErrorCode } from "../../../lib/errors.js";
import type { Place } from "./node.js";

/** Collects what is wrong and what is worth saying, each at its place and once. */
export class Teller {
  readonly problems: Problem[] = [];
  readonly notes: Problem[] = [];
  private readonly told = new Set<string>();

  problem(place: Place, path: readonly PathStep[], message: string, code: ErrorCode = "invalid_argument"): void {
    this.tell(this.problems, place, { code, path: pathText(path), message });
  }

  /** Something that is read and has no effect here, or another one. */
  note(place: Place, path: readonly PathStep[], message: string): void {
    this.tell(this.notes, place, { code: "not_supported", path: pathText(path), message });
  }

  private tell(to: Problem[], { source, at }: Place, problem: Omit<Problem, "source" | "at">): void {
    const key = `${source.name} ${at} ${problem.path} ${problem.message}`;
    if (this.told.has(key)) return;
    this.told.add(key);
    to.push({ ...problem, source, at });
  }
}
