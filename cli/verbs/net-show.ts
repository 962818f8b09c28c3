import { CLUSTER_FLAGS } from "../flags.js";
import { runShow } from "../net/show.js";
import { verb } from "../verb.js";

/** The overlay as the nodes have reported it. */
export const netShow = verb({
  forms: ["net show [NODE…]"],
  description:
    "Per node its share of the pods' addresses, the address that others send the overlay's packets to, the MAC and MTU of its tunnel, and the\naddresses of services that it answers for on its link.",
  flags: CLUSTER_FLAGS,
  operands: "nodes",
  run: runShow,
});
