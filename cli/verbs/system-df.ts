import { CLUSTER_FLAGS } from "../flags.js";
import { runDiskUse } from "../system/disk-use.js";
import { verb } from "../verb.js";

/** An image counts once for each node that holds it. */
export const systemDf = verb({
  forms: ["system df"],
  flags: {
    format: { type: "text", value: "FORM", offers: ["table", "json"], summary: "how it is printed; also a template" },
    ...CLUSTER_FLAGS,
  },
  operands: "none",
  run: runDiskUse,
});
