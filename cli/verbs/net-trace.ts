import { CLUSTER_FLAGS } from "../flags.js";
import { runTrace } from "../net/trace.js";
import { verb } from "../verb.js";

/** Asks the control plane what it has told the client's node. */
export const netTrace = verb({
  forms: ["net trace POD SERVICE[.NAMESPACE][:PORT]", "net trace node/NODE SERVICE[.NAMESPACE][:PORT]"],
  description:
    "Each address and port of the service with the element of the node's nftables maps that leads on, every endpoint with its share of new\nconnections, and for those that get none, or whose connections network policies drop, why; of fronts for strangers, what becomes of these.\nPORT is a port's name, its number, or its number on every node. Exit code 1 when something stands in the way.",
  examples: [
    ["net trace web-0 db", "where web-0's connections to service db go"],
    ["net trace web-0 db.shop:5432", "the same of one port of a service in another namespace"],
    ["net trace node/host1 db", "from the host itself"],
  ],
  flags: CLUSTER_FLAGS,
  operands: "pods",
  run: runTrace,
});
