import type { ErrorCode } from "../lib/errors.js";
import { placeText, type Source } from "./yaml/source.js";

/** Something wrong, or worth saying, at one place of a source. */
export interface Problem {
  readonly code: ErrorCode;
  /** Path of the field, such as spec.containers[0].image; empty when the document itself is meant. */
  readonly path: string;
  readonly message: string;
  readonly source: Source;
  /** Offset in the source. */
  readonly at: number;
}

/** The problem on one line: file:line:column: path: message. */
export function problemText(problem: Problem): string {
  const path = problem.path === "" ? "" : `${problem.path}: `;
  return `${placeText(problem.source, problem.at)}: ${path}${problem.message}`;
}

/** One step of a path: a field or key by name, an element by index. */
export type PathStep = string | number;

/** The path as text: spec.ports[0].name, metadata.labels["app.kubernetes.io/name"]. */
export function pathText(steps: readonly PathStep[]): string {
  let text = "";
  for (const step of steps) {
    if (typeof step === "number") text += `[${step}]`;
    else if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(step)) text += `[${JSON.stringify(step)}]`;
    else text += text === "" ? step : `.${step}`;
  }
  return text;
}

/** The steps of a path written by pathText. */
export function pathSteps(text: string): readonly PathStep[] {
  const steps: PathStep[] = [];
  for (const match of text.matchAll(/\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]|([^.[\]]+)/g)) {
    if (match[1] !== undefined) steps.push(Number(match[1]));
    else if (match[2] !== undefined) steps.push(String(JSON.parse(match[2])));
    else steps.push(match[3] ?? "");
  }
  return steps;
}
