import { runExport } from "../containers/export.js";
import { ARCHIVE_FLAGS, CLUSTER_FLAGS } from "../flags.js";
import { verb } from "../verb.js";

/** As docker export. */
export const exportVerb = verb({
  forms: ["export [-o FILE] CONTAINER"],
  description: "Volumes, and what else is mounted in it, are not in the archive. The container may run or have ended.",
  examples: [
    ["export web | tar -t", "all files of a container"],
    ["export web | tsctl import - web:flat", "an image of one layer"],
  ],
  flags: { ...ARCHIVE_FLAGS, ...CLUSTER_FLAGS },
  operands: "pods",
  run: runExport,
});
