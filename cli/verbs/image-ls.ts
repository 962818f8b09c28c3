import { CLUSTER_FLAGS } from "../flags.js";
import { runList } from "../images/list.js";
import { verb } from "../verb.js";

/** As docker images, for the whole cluster. */
export const imageLs = verb({
  forms: ["image ls [NAME[:TAG]…]", "images [NAME[:TAG]…]"],
  description:
    "Only images that the cluster has names for itself are listed: those that were loaded, built, tagged or pulled by `pull`. What nodes pulled for their pods has no name of the cluster.",
  flags: {
    quiet: { type: "switch", short: "q", summary: "print ids alone" },
    digests: { type: "switch", summary: "print the digests of manifests too" },
    noTrunc: { type: "switch", summary: "print ids whole" },
    ...CLUSTER_FLAGS,
  },
  operands: "words",
  run: runList,
});
