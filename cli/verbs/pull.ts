import { CLUSTER_FLAGS } from "../flags.js";
import { runPull } from "../images/pull.js";
import { verb } from "../verb.js";

/** As docker pull, on the nodes of the cluster. */
export const pull = verb({
  forms: ["pull [--node NODE]… NAME[:TAG|@DIGEST]…"],
  description:
    "The registry is asked once what the name stands for; all nodes pull that, each layer from the registry once and from each other. The name is then one of the cluster: pods of that name run it, unless their imagePullPolicy is Always. An image that was built or loaded is brought to the nodes without asking a registry. Credentials are those of the namespace's login.",
  examples: [
    ["pull nginx:1.27", "on every node"],
    ["pull --node host2 reg.example/model:v3", "where a pod will want it"],
  ],
  flags: {
    node: { type: "list", value: "NODE", summary: "only on this node; all that are Ready when absent" },
    quiet: { type: "switch", short: "q", summary: "print only the image's name" },
    ...CLUSTER_FLAGS,
  },
  operands: "words",
  run: runPull,
});
