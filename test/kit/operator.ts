import type { PodLoop } from "../../agent/pod-loop.js";
import { attach } from "../../agent/streams/attach.js";
import { AsyncQueue } from "../../lib/async-queue.js";
import { systemClock } from "../../lib/system-clock.js";
import { AttachStart, ExecInput } from "../../proto/gen/tallship/v1/streams.js";
import type { AgentMachine } from "./agent-machine.js";

/** The agent whose pods an operator looks at. */
export interface OperatedAgent {
  readonly machine: AgentMachine;
  readonly loop: PodLoop;
  /** Ends the operator's streams. */
  readonly signal: AbortSignal;
}

/** An operator that joins a pod's container "web": types, and sees. */
export function joinContainer({ machine, loop, signal }: OperatedAgent, uid: string, start: Partial<AttachStart>) {
  const inputs = new AsyncQueue<ExecInput>(100);
  const parts = { loop, runtime: machine.driver, dataDir: machine.dataDir, clock: systemClock };
  const seen = { out: "", err: "", exitCode: undefined as number | undefined };
  const whole = AttachStart.fromPartial({ container: "web", stdin: true, fromStart: true, ...start });
  const ended = (async () => {
    for await (const { part } of attach(parts, uid, whole, inputs, signal)) {
      if (part?.$case === "stdout") seen.out += part.value.toString("utf8");
      if (part?.$case === "stderr") seen.err += part.value.toString("utf8");
      if (part?.$case === "exitCode") seen.exitCode = part.value;
    }
    return seen;
  })();
  const type = (text: string) =>
    inputs.push(ExecInput.fromPartial({ part: { $case: "stdin", value: Buffer.from(text) } }));
  const leave = () => inputs.push(ExecInput.fromPartial({ part: { $case: "stdinClosed", value: true } }));
  const resize = (width: number, height: number) =>
    inputs.push(ExecInput.fromPartial({ part: { $case: "resize", value: { width, height } } }));
  return { seen, ended, type, leave, resize };
}
