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
      summary: "a template such as {{.State.Status}}, {{json .Mounts}} or {{range .Config.Env}}{{println .}}{{end}}",
    },
    ...CLUSTER_FLAGS,
  },
  operands: "pods",
  run: runInspect,
});
