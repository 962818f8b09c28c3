import type { Clock } from "../../lib/clock.js";
import { parseLogLine, splitEntries } from "./line.js";
import { type LogSource, logEntries } from "./read-logs.js";

/** Something that a run wrote, on one of its outputs. */
export interface WrittenPart {
  readonly is: "stdout" | "stderr";
  readonly bytes: Buffer;
}

/** How long a run's end may go unnoticed by who follows its output, milliseconds. */
const POLL_MS = 50;
const NEWLINE = Buffer.from("\n");

/**
 * The very bytes that a run writes, from its beginning or from now on, until it has ended or the signal aborts. Its monitor writes down each
 * piece as it comes, with or without an end of line, so that prompts and terminals come through whole.
 */
export async function* followOutput(
  source: LogSource,
  isFromStart: boolean,
  edges: { readonly clock: Clock; readonly signal: AbortSignal },
): AsyncGenerator<WrittenPart> {
  const tailLines = isFromStart ? undefined : 0;
  for await (const { bytes } of logEntries(source, { tailLines, pollMs: POLL_MS }, edges))
    yield* partsOf(splitEntries(bytes).entries);
}

/** Pieces of one output that follow each other are one. */
function* partsOf(entries: readonly Buffer[]): Generator<WrittenPart> {
  let is: WrittenPart["is"] = "stdout";
  let held: Uint8Array[] = [];
  for (const entry of entries) {
    const line = parseLogLine(entry);
    if (line === undefined) continue;
    if (line.stream !== is && held.length > 0) {
      yield { is, bytes: Buffer.concat(held) };
      held = [];
    }
    is = line.stream;
    held.push(line.content, ...(line.isPartial ? [] : [NEWLINE]));
  }
  if (held.length > 0) yield { is, bytes: Buffer.concat(held) };
}
