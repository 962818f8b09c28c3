import { asTallshipError, hasCode, TallshipError } from "../../lib/errors.js";
import { CLUSTER_FLAGS, SELECT_FLAGS } from "../flags.js";
import { runLogs } from "../logs/logs.js";
import { readLogTimes } from "../logs/time-flags.js";
import { verb } from "../verb.js";

/** With several pods or containers every line says whose it is. */
export const logs = verb({
  forms: ["logs POD [CONTAINER]", "logs TYPE/NAME", "logs -l LABELS"],
  examples: [
    ["logs deploy/hello -f", "of all pods of a deployment, as it comes, new pods too"],
    ["logs web-0 -c proxy --tail 20", "the last lines of one container"],
    ["logs web-0 --previous", "of the run before the last restart"],
  ],
  flags: {
    follow: { type: "switch", short: "f", summary: "go on with what is written from now on" },
    container: { type: "text", short: "c", value: "NAME", summary: "of this container; the first when absent" },
    allContainers: { type: "switch", summary: "of all containers" },
    allPods: { type: "switch", summary: "accepted for kubectl's sake: those of a workload are always all" },
    tail: {
      type: "text",
      value: "LINES",
      summary: "only the last lines of each; all when absent, all or -1, 10 with -l",
    },
    since: { type: "text", value: "TIME", summary: "only what was written in the last 30s, 5m, 2h…, or since a time" },
    until: { type: "text", value: "TIME", summary: "only what was written until then: a time, or so long ago" },
    sinceTime: { type: "text", value: "TIME", summary: "only what was written since, such as 2026-01-31T12:00:00Z" },
    timestamps: { type: "switch", short: "t", summary: "put the time of writing before each line" },
    previous: { type: "switch", short: "p", summary: "of the run before the last restart" },
    details: { type: "switch", summary: "for docker's sake: there are no more details" },
    prefix: { type: "switch", summary: "always say whose a line is" },
    limitBytes: { type: "number", value: "BYTES", min: 1, summary: "stop after this many bytes of each" },
    selector: SELECT_FLAGS.selector,
    ...CLUSTER_FLAGS,
  },
  operands: "pods",
  run: (call, shell) => {
    const times = readLogTimes(call.flags, shell.clock.nowMs());
    return runLogs({ ...call, flags: { ...call.flags, ...times } }, shell).catch((error: unknown) => {
      // Docker's -n counts lines, kubectl's names a namespace.
      const { namespace } = call.flags;
      if (namespace === undefined || !/^\d+$/.test(namespace) || !hasCode(error, "not_found")) throw error;
      const message = `${asTallshipError(error).message}; -n names a namespace here: the last lines are --tail ${namespace}`;
      throw new TallshipError("not_found", message, { cause: error });
    });
  },
});
