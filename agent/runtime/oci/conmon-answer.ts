import { TallshipError } from "../../../lib/errors.js";
import { type ContainerKey, containerId } from "../runtime.js";

/** What conmon says of a create. */
export type ConmonAnswer =
  | { readonly is: "created"; readonly pid: number }
  | { readonly is: "failed"; readonly message: string };

/** Reads a create job's output: conmon's line of JSON, `{"data": PID}` or `{"data": -1, "message": …}`, among what mount or conmon said. */
export function parseAnswer(output: string): ConmonAnswer {
  const line = output.split("\n").find((text) => text.startsWith('{"data"'));
  if (line === undefined) return { is: "failed", message: output.trim() || "conmon did not answer" };
  const answer = parseLine(line);
  if (answer !== undefined && answer.pid > 0) return { is: "created", pid: answer.pid };
  return { is: "failed", message: answer?.message.trim() || output.trim() };
}

function parseLine(line: string): { readonly pid: number; readonly message: string } | undefined {
  try {
    // A parser: the shape is checked field by field.
    const { data, message } = JSON.parse(line) as { data?: unknown; message?: unknown };
    return { pid: typeof data === "number" ? data : -1, message: typeof message === "string" ? message : "" };
  } catch {
    return undefined;
  }
}

/** The error for a run that could not be created: a command that the image lacks is told from what the runtime refuses. */
export function createFailure(key: ContainerKey, message: string): TallshipError {
  const text = message.trim().replaceAll("\n", "; ");
  const isMissing =
    /executable file.*not found|No such file or directory.*exec|exec.*(No such file|Permission denied)/i;
  const code = isMissing.test(text) ? "command_not_found" : "runtime_failed";
  return new TallshipError(code, `create ${key.container} (${containerId(key)}): ${text}`);
}
