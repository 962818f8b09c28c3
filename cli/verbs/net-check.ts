import { CLUSTER_FLAGS } from "../flags.js";
import { runCheck } from "../net/check.js";
import { verb } from "../verb.js";

/** Tells what nodes have measured; nothing is sent for it. */
export const netCheck = verb({
  forms: ["net check [NODE…]"],
  description:
    "Per pair of nodes the time there and back and the share of lost packets from host to host and through the overlay, over the last minute, the largest packet\nof pods that passes, what is at fault, and what the node has done about it. Hosts' name servers too. Exit code 1 when something is at fault.\nNodes probe each other all the time: a fault has its name within a minute.",
  examples: [
    ["net check", "all pairs"],
    ["net check host2", "the pairs that host2 is one of"],
  ],
  flags: CLUSTER_FLAGS,
  operands: "nodes",
  run: runCheck,
});
