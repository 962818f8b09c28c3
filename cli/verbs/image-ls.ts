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
    all: { type: "switch", short: "a", summary: "for docker's sake: there are no others" },
    digests: { type: "switch", summary: "print the digests of manifests too" },
    filter: {
      type: "list",
      short: "f",
      value: "KEY=VALUE",
      summary: "reference (with *), node, before, since or dangling; may be repeated",
    },
    format: {
      type: "text",
      value: "FORM",
      offers: ["table", "json"],
      summary: "how it is printed; also a template such as '{{.Repository}}:{{.Tag}}'",
    },
    noTrunc: { type: "switch", summary: "print ids whole" },
    ...CLUSTER_FLAGS,
  },
  operands: "words",
  run: runList,
});
