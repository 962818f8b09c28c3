import { runInspect } from "../containers/inspect.js";
import { CLUSTER_FLAGS } from "../flags.js";
import { verb } from "../verb.js";

/** Docker's fields, and the whole pod under Pod. */
export const inspect = verb({
  forms: ["inspect CONTAINER…"],
  examples: [["inspect -f '{{.State.ExitCode}}' job-1", "one field"]],
  flags: {
    format: {
      type: "text",
      short: "f",
      value: "TEMPLATE",
      summary: "fields such as {{.State.Status}} or {{json .Mounts}}",
    },
    ...CLUSTER_FLAGS,
  },
  operands: "pods",
  run: runInspect,
});
