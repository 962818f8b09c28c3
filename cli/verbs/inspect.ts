import { CLUSTER_FLAGS } from "../flags.js";
import { INSPECTED, runInspect } from "../inspect/inspect.js";
import { verb } from "../verb.js";

/** Docker's fields, and of a container the whole pod under Pod. */
export const inspect = verb({
  forms: ["inspect NAME…"],
  description: "A name is that of a container, else of an image, a volume or a network; --type says which is meant.",
  examples: [
    ["inspect -f '{{.State.ExitCode}}' job-1", "one field"],
    ["inspect --type image app:v1", "an image, though a container is called so too"],
  ],
  flags: {
    format: {
      type: "text",
      short: "f",
      value: "TEMPLATE",
      summary: "a template such as {{.State.Status}}, {{json .Mounts}} or {{range .Config.Env}}{{println .}}{{end}}",
    },
    type: { type: "text", value: "TYPE", choices: INSPECTED, summary: "only what is of this type" },
    size: { type: "switch", short: "s", summary: "for docker's sake: sizes are not counted" },
    ...CLUSTER_FLAGS,
  },
  operands: "pods",
  run: ({ flags, operands }, shell) =>
    runInspect({ flags: { ...flags, type: INSPECTED.find((one) => one === flags.type) }, operands }, shell),
});
