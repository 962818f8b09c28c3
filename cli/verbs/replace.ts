import { CLUSTER_FLAGS, DRY_RUN_FLAGS, FILE_FLAGS } from "../flags.js";
import { WRITTEN_FLAGS } from "../output/printer.js";
import { runReplace } from "../replace/replace.js";
import { verb } from "../verb.js";

/** Fields that the file leaves out go; `apply` keeps those of other owners. */
export const replace = verb({
  forms: ["replace -f FILE… [--force]"],
  description: "A file that holds a resourceVersion is written only over that very version.",
  flags: {
    ...FILE_FLAGS,
    strict: { type: "switch", summary: "refuse fields that are accepted without effect" },
    force: { type: "switch", summary: "delete the object and create it anew" },
    gracePeriod: { type: "number", value: "SECONDS", min: 0, summary: "with --force: time to stop" },
    timeout: { type: "duration", value: "TIME", summary: "with --force: how long to wait until it is gone" },
    ...DRY_RUN_FLAGS,
    ...WRITTEN_FLAGS,
    ...CLUSTER_FLAGS,
  },
  operands: "none",
  run: runReplace,
});
