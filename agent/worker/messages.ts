import { type ErrorCode, isErrorCode, TallshipError } from "../../lib/errors.js";
import type { UnpackedLayer, UnpackRequest } from "../image/layer/unpack-layer.js";

/** What a worker can do, with what it takes and gives. A new job is a row here and in run-worker.ts. */
export interface Jobs {
  unpack: { readonly takes: UnpackRequest; readonly gives: UnpackedLayer };
  flush: { readonly takes: { readonly folder: string }; readonly gives: null };
}

/** A job as the agent sends it. */
export type Job = { [K in keyof Jobs]: { readonly do: K; readonly with: Jobs[K]["takes"] } }[keyof Jobs];

/** Agent to worker: one line of JSON each. A worker has one job at a time. The end of input ends the worker. */
export type ToWorker = { readonly is: "job"; readonly job: Job } | { readonly is: "cancel" };

/** Worker to agent: one line of JSON each. `ready` once, first; then one `done` or `failed` per job. */
export type FromWorker =
  | { readonly is: "ready" }
  | { readonly is: "done"; readonly result: unknown }
  | { readonly is: "failed"; readonly code: ErrorCode; readonly message: string };

/** A message as its line. */
export function toLine(message: ToWorker | FromWorker): string {
  return `${JSON.stringify(message)}\n`;
}

/** The error that a worker reports. */
export function failureOf(message: FromWorker & { is: "failed" }): TallshipError {
  const code = isErrorCode(message.code) ? message.code : "internal";
  return new TallshipError(code, message.message);
}

/** Cuts a stream of text into lines; the last one is kept until its end comes. */
export class LineCutter {
  private rest = "";

  /** The lines that the text completes. */
  cut(text: string): readonly string[] {
    const lines = (this.rest + text).split("\n");
    this.rest = lines.pop() ?? "";
    return lines;
  }
}
