import type { Problem } from "../../kinds/problem.js";
import type { ErrorCode } from "../../lib/errors.js";
import type { Sources } from "./sources.js";

/** What is wrong, and what is worth saying. Unless `problems` is empty nothing may come of a build. */
export class Told {
  readonly problems: Problem[] = [];
  readonly warnings: Problem[] = [];
  private readonly sources: Sources;

  constructor(sources: Sources) {
    this.sources = sources;
  }

  /** Notes an error and returns nothing, which stands for what could not be made. */
  refuse(at: number, message: string, path = "", code: ErrorCode = "invalid_argument"): undefined {
    this.problems.push({ code, path, message, source: this.sources.whole, at });
    return undefined;
  }

  warn(at: number, message: string): void {
    this.warnings.push({ code: "invalid_argument", path: "", message, source: this.sources.whole, at });
  }
}
