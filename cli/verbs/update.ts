import { runUpdate } from "../containers/update.js";
import { CLUSTER_FLAGS } from "../flags.js";
import { verb } from "../verb.js";

/** Its processes go on. What its node has no room for waits: the pod's condition PodResizePending says so. */
export const update = verb({
  forms: ["update [--cpus NUMBER] [--memory BYTES] CONTAINER…"],
  examples: [["update --cpus 2 -m 1g web", "other bounds for a container that runs"]],
  flags: {
    cpus: { type: "text", value: "NUMBER", summary: "most CPUs, such as 1.5; they are reserved too" },
    memory: { type: "text", short: "m", value: "BYTES", summary: "most memory, such as 512m; it is reserved too" },
    ...CLUSTER_FLAGS,
  },
  operands: "pods",
  run: runUpdate,
});
