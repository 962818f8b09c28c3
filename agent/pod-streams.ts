import type { Clock } from "../lib/clock.js";
import { TallshipError } from "../lib/errors.js";
import type { ExecInput, ExecOutput, ExecStart, LogsRequest } from "../proto/gen/tallship/v1/streams.js";
import { logPath } from "./logs/log-path.js";
import { readLogs } from "./logs/read-logs.js";
import type { PodLoop } from "./pod-loop.js";
import { containerRecord } from "./pod-record.js";
import type { ExecOutputPart, ExecSession, ObservedContainer, Runtime } from "./runtime/runtime.js";
import type { PodStreams } from "./session/operator-streams.js";

/** What operators' streams reach. */
export interface PodStreamsParts {
  readonly loop: PodLoop;
  readonly runtime: Runtime;
  readonly dataDir: string;
  readonly clock: Clock;
}

/** Logs and commands of the pods on this node. */
export function podStreams(parts: PodStreamsParts): PodStreams {
  return {
    logs: (podUid, request, signal) => logs(parts, podUid, request, signal),
    exec: (podUid, start, input, signal) => exec(parts, podUid, start, input, signal),
  };
}

async function* logs(
  { loop, dataDir, clock }: PodStreamsParts,
  podUid: string,
  request: LogsRequest,
  signal: AbortSignal,
) {
  const pod = loop.get(podUid);
  if (pod === undefined) throw new TallshipError("not_found", `logs: pod ${podUid} is not on this node`);
  const { attempt, startedAtMs, last } = containerRecord(pod.record, request.container);
  // While no run is there, the last one that ended is the present one.
  const isBetween = startedAtMs === undefined && last !== undefined;
  const shown = isBetween ? last.attempt : attempt;
  const wanted = request.previous ? shown - 1 : shown;
  if (wanted < 0)
    throw new TallshipError("not_found", `logs: container ${request.container} has had no run before this one`);
  const key = { podUid, container: request.container, attempt: wanted };
  const isOpen = (): boolean => {
    const now = loop.get(podUid);
    return now !== undefined && containerRecord(now.record, request.container).attempt <= wanted;
  };
  yield* readLogs({ path: logPath(dataDir, key), isOpen }, request, { clock, signal });
}

async function* exec(
  { runtime }: PodStreamsParts,
  podUid: string,
  start: ExecStart,
  input: AsyncIterable<ExecInput>,
  signal: AbortSignal,
): AsyncGenerator<ExecOutput> {
  const running = (await runtime.list(podUid)).find(isRunning(start.container));
  if (running === undefined)
    throw new TallshipError("failed_precondition", `exec: container ${start.container} does not run`);
  const session = await runtime.exec(running, {
    command: start.command,
    hasTerminal: start.tty,
    hasStdin: start.stdin,
    size: start.size,
  });
  const cancel = (): void => session.cancel();
  if (signal.aborted) cancel();
  else signal.addEventListener("abort", cancel, { once: true });
  void feed(session, input);
  try {
    for await (const part of session.output) yield outputOf(part);
  } finally {
    signal.removeEventListener("abort", cancel);
    cancel();
  }
}

function outputOf(part: ExecOutputPart): ExecOutput {
  if (part.is === "exit") return { part: { $case: "exitCode", value: part.exitCode } };
  const value = Buffer.from(part.bytes);
  return { part: part.is === "stdout" ? { $case: "stdout", value } : { $case: "stderr", value } };
}

/** Passes on what the operator sends until it ends. A command that ended takes no more, which is no failure. */
async function feed(session: ExecSession, input: AsyncIterable<ExecInput>): Promise<void> {
  for await (const { part } of input) {
    if (part?.$case === "stdin") await session.write(part.value);
    if (part?.$case === "stdinClosed") session.closeStdin();
    if (part?.$case === "resize") session.resize(part.value);
    if (part?.$case === "cancel") session.cancel();
  }
  session.closeStdin();
}

function isRunning(container: string): (seen: ObservedContainer) => boolean {
  return (seen) => seen.container === container && seen.state.is === "running";
}
