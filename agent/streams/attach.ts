import type { Clock } from "../../lib/clock.js";
import { TallshipError } from "../../lib/errors.js";
import type { AttachStart, ExecInput, ExecOutput } from "../../proto/gen/tallship/v1/streams.js";
import { followOutput } from "../logs/follow-output.js";
import { logPath } from "../logs/log-path.js";
import type { PodLoop } from "../pod-loop.js";
import { containerRecord } from "../pod-record.js";
import type { ContainerKey, Runtime } from "../runtime/runtime.js";

/** What joining a container needs. */
export interface AttachParts {
  readonly loop: PodLoop;
  readonly runtime: Runtime;
  readonly dataDir: string;
  readonly clock: Clock;
}

/** Exit code told of a run whose own was lost: never 0. As in its status. */
const LOST_EXIT_CODE = 137;

/**
 * What the container's present run, or else its last, writes, until it has ended; then its exit code. What the operator sends goes to its standard input when
 * it has one. The run goes on when the operator leaves.
 */
export async function* attach(
  { loop, runtime, dataDir, clock }: AttachParts,
  podUid: string,
  start: AttachStart,
  input: AsyncIterable<ExecInput>,
  signal: AbortSignal,
): AsyncGenerator<ExecOutput> {
  const key = presentRun(loop, podUid, start.container);
  if (start.size !== undefined) await runtime.resize(key, start.size).catch(ignoreEnded);
  // Beside the output; ends with the operator's messages. What fails in it is told by the run's own end.
  void sendInput(runtime, key, { hasStdin: start.stdin, input }).catch(ignoreEnded);
  const path = logPath(dataDir, key);
  const isOpen = (): boolean => isUnderWay(loop, key);
  for await (const { is, bytes } of followOutput({ path, isOpen }, start.fromStart, { clock, signal }))
    yield { part: { $case: is, value: bytes } };
  if (signal.aborted) return;
  yield { part: { $case: "exitCode", value: exitCodeOf(loop, key) } };
}

/** The run that is under way; while none is, the one that ended last. */
function presentRun(loop: PodLoop, podUid: string, container: string): ContainerKey {
  const pod = loop.get(podUid);
  if (pod === undefined) throw new TallshipError("not_found", `attach: pod ${podUid} is not on this node`);
  const { attempt, startedAtMs, last } = containerRecord(pod.record, container);
  if (startedAtMs !== undefined) return { podUid, container, attempt };
  if (last !== undefined) return { podUid, container, attempt: last.attempt };
  throw new TallshipError("failed_precondition", `attach: container ${container} has not started`);
}

function isUnderWay(loop: PodLoop, { podUid, container, attempt }: ContainerKey): boolean {
  const pod = loop.get(podUid);
  return pod !== undefined && containerRecord(pod.record, container).attempt <= attempt;
}

function exitCodeOf(loop: PodLoop, { podUid, container, attempt }: ContainerKey): number {
  const pod = loop.get(podUid);
  const last = pod === undefined ? undefined : containerRecord(pod.record, container).last;
  return last?.attempt === attempt && last.exit.is === "code" ? last.exit.exitCode : LOST_EXIT_CODE;
}

/** Passes on what the operator sends. Without an open standard input only the terminal's size counts. */
async function sendInput(
  runtime: Runtime,
  key: ContainerKey,
  { hasStdin, input }: { readonly hasStdin: boolean; readonly input: AsyncIterable<ExecInput> },
): Promise<void> {
  const session = hasStdin ? await runtime.attach(key).catch(ignoreEnded) : undefined;
  try {
    for await (const { part } of input) {
      if (part?.$case === "stdin") await session?.write(part.value);
      if (part?.$case === "resize") await runtime.resize(key, part.value).catch(ignoreEnded);
      if (part?.$case === "stdinClosed" || part?.$case === "cancel") break;
    }
  } finally {
    session?.close();
  }
}

/** The container has ended meanwhile: that is told by its exit code. */
function ignoreEnded(): undefined {
  return undefined;
}
