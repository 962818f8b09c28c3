import { runExport } from "../containers/export.js";
import { CLUSTER_FLAGS } from "../flags.js";
import { verb } from "../verb.js";

/** As docker export. */
export const exportVerb = verb({
  forms: ["export [-o FILE] CONTAINER"],
  description: "Volumes, and what else is mounted in it, are not in the archive. The container may run or have ended.",
  examples: [
    ["export web | tar -t", "all files of a container"],
    ["export web | tsctl import - web:flat", "an image of one layer"],
  ],
  flags: {
    output: {
      type: "text",
      short: "o",
      value: "FILE",
      summary: "write the archive there; standard output when absent",
    },
    ...CLUSTER_FLAGS,
  },
  operands: "pods",
  run: runExport,
});
