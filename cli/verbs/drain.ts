import { CLUSTER_FLAGS, DRY_RUN_FLAGS, SELECT_FLAGS } from "../flags.js";
import { runDrain } from "../node/drain.js";
import { verb } from "../verb.js";

/** Empties nodes, within disruption budgets. */
export const drain = verb({
  forms: ["drain NODE…", "drain -l LABELS"],
  description:
    "Cordons the nodes and evicts their pods; a pod whose disruption budget does not allow it is asked for again until it does. When the time is up,\nwhat is left is named and the exit code is 8. `tsctl uncordon` opens the nodes again.",
  examples: [
    ["drain host1 --ignore-daemonsets", "before work on the host"],
    ["drain host1 --ignore-daemonsets --timeout=2m", "and give up after two minutes"],
    ["drain host1 --ignore-daemonsets --dry-run=server", "which pods would go, and what would block it"],
  ],
  flags: {
    ignoreDaemonsets: { type: "switch", summary: "leave pods of daemon sets where they are" },
    deleteEmptydirData: { type: "switch", summary: "evict pods with emptyDir volumes, whose content is lost" },
    force: { type: "switch", summary: "evict pods without a controller, which nobody will replace" },
    disableEviction: { type: "switch", summary: "delete pods, whatever their disruption budgets say" },
    gracePeriod: {
      type: "number",
      value: "SECONDS",
      min: -1,
      summary: "time that each pod has to stop; its own when absent or -1",
    },
    timeout: { type: "duration", value: "TIME", summary: "how long to try; without end when absent or 0" },
    podSelector: { type: "text", value: "LABELS", summary: "only pods with these labels" },
    skipWaitForDeleteTimeout: {
      type: "duration",
      value: "TIME",
      summary: "do not wait for pods that have been going for longer than this",
    },
    selector: SELECT_FLAGS.selector,
    ...DRY_RUN_FLAGS,
    ...CLUSTER_FLAGS,
  },
  operands: "nodes",
  run: runDrain,
});
