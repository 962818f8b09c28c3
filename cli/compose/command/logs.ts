import type { Flags, FlagValues } from "../../flags.js";
import { type LogFlags, runLogs } from "../../logs/logs.js";
import { readLogTimes } from "../../logs/time-flags.js";
import type { Shell } from "../../shell.js";
import { dnsName, ONE_OFF_LABEL, PROJECT_LABEL } from "../translate/names.js";
import { nameProject, PROJECT_FLAGS } from "./project.js";

/** Flags of `compose logs`. */
export const LOGS_FLAGS = {
  follow: { type: "switch", short: "f", summary: "go on with what is written from now on" },
  tail: { type: "text", short: "n", value: "LINES", summary: "only the last lines of each container; all when absent" },
  timestamps: { type: "switch", short: "t", summary: "put the time of writing before each line" },
  since: { type: "text", value: "TIME", summary: "only what was written in the last 30s, 5m, 2h…, or since a time" },
  until: { type: "text", value: "TIME", summary: "only what was written until then: a time, or so long ago" },
  noColor: { type: "switch", summary: "for docker's sake: there are no colours" },
  noLogPrefix: { type: "switch", summary: "do not say whose a line is" },
  ...PROJECT_FLAGS,
  namespace: { ...PROJECT_FLAGS.namespace, short: undefined },
} as const satisfies Flags;

/** What `logs` is asked when nobody asks anything. */
export const LOGS_FLAGS_ABSENT: Omit<LogFlags, "selector"> = {
  follow: false,
  container: undefined,
  allContainers: true,
  tail: undefined,
  since: undefined,
  sinceTime: undefined,
  timestamps: false,
  previous: false,
  prefix: true,
  prefixOf: composePrefix,
  limitBytes: undefined,
};

/** As compose has it: the container's name and a bar. A container that shares the pod of another one is called after both. */
export function composePrefix(log: string): string {
  const [, pod = "", container = ""] = log.split("/");
  return `${pod.startsWith(container) ? pod : `${pod}/${container}`}  | `;
}

/** Prints what the project's containers wrote. */
export async function runComposeLogs(
  { flags, operands }: { readonly flags: FlagValues<typeof LOGS_FLAGS>; readonly operands: readonly string[] },
  shell: Shell,
): Promise<number> {
  const { name, namespace } = await nameProject(shell, flags);
  // Whom `run` has started is none of the services.
  const selector = `${PROJECT_LABEL}=${name},!${ONE_OFF_LABEL}`;
  const containers = operands.length === 0 ? undefined : operands.map(dnsName);
  const times = readLogTimes({ ...flags, tail: flags.tail ?? "all", sinceTime: undefined }, shell.clock.nowMs());
  const asked = { ...LOGS_FLAGS_ABSENT, ...flags, ...times, isBare: flags.noLogPrefix };
  return runLogs({ flags: { ...asked, namespace, selector, containers }, operands: [] }, shell);
}
