import { runRemove } from "../containers/remove.js";
import { CLUSTER_FLAGS } from "../flags.js";
import { verb } from "../verb.js";

/** Volumes with a name stay; `delete pvc` removes them. */
export const rm = verb({
  forms: ["rm [-f] CONTAINER…"],
  flags: {
    force: { type: "switch", short: "f", summary: "those that run too: they are ended first" },
    volumes: { type: "switch", short: "v", summary: "for docker's sake: what has no name goes in any case" },
    ...CLUSTER_FLAGS,
  },
  operands: "pods",
  run: runRemove,
});
