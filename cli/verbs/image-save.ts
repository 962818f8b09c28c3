import { ARCHIVE_FLAGS, CLUSTER_FLAGS } from "../flags.js";
import { runSave } from "../images/save.js";
import { verb } from "../verb.js";

/** As docker save; what it writes is an OCI layout that docker load takes too. */
export const imageSave = verb({
  forms: ["image save [-o FILE] NAME[:TAG]…"],
  examples: [["image save app:v1 | docker load", "hand an image over"]],
  flags: { ...ARCHIVE_FLAGS, ...CLUSTER_FLAGS },
  operands: "words",
  run: runSave,
});
