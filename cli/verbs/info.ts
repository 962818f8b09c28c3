import { CLUSTER_FLAGS } from "../flags.js";
import { runInfo } from "../system/info.js";
import { verb } from "../verb.js";

/** As docker info, of the cluster as a whole. */
export const info = verb({
  forms: ["info"],
  description: "`get nodes` and `top nodes` tell of each node, `cluster-info` of the control planes.",
  flags: {
    format: {
      type: "text",
      short: "f",
      value: "FORM",
      offers: ["json"],
      summary: "json, or a template such as '{{.ContainersRunning}} of {{.Containers}}'",
    },
    ...CLUSTER_FLAGS,
  },
  operands: "none",
  run: runInfo,
});
