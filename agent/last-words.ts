import { everyContainer } from "../kinds/pod-containers.js";
import { limit } from "../lib/limits.js";
import type { Pod } from "../proto/gen/tallship/v1/pod.js";
import type { ContainerLogs } from "./logs/container-logs.js";
import { containerRecord, type PodRecord } from "./pod-record.js";
import type { ObservedContainer } from "./runtime/runtime.js";

/** The runs, those that ended and are not remembered yet with their last words: the termination message, or by its policy the end of the log. */
export function withLastWords(
  containers: readonly ObservedContainer[],
  { pod, record, logs }: { readonly pod: Pod | undefined; readonly record: PodRecord; readonly logs: ContainerLogs },
): readonly ObservedContainer[] {
  return containers.map((run) => {
    const { state } = run;
    if (state.is !== "exited" || state.exit.is !== "code") return run;
    if (run.attempt < containerRecord(record, run.container).attempt) return run;
    const of = pod === undefined ? undefined : everyContainer(pod).find(({ name }) => name === run.container);
    const isLogAllowed = of?.terminationMessagePolicy === "FallbackToLogsOnError" && state.exit.exitCode !== 0;
    const written = logs.lastWords(run, limit("terminationMessageBytes"));
    const message = written === "" && isLogAllowed ? logs.tail(run, limit("terminationLogBytes")) : written;
    return message === "" ? run : { ...run, state: { ...state, exit: { ...state.exit, message } } };
  });
}
