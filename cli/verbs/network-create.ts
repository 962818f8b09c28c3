import { CLUSTER_FLAGS } from "../flags.js";
import { runNetworkCreate } from "../networks/create.js";
import { verb } from "../verb.js";

/** As docker network create. */
export const networkCreate = verb({
  forms: ["network create [-d DRIVER] [--subnet=CIDR]... [--ipv6] [--internal] [--encrypted] NAME"],
  description:
    "Pods of the namespace join it by --network=NAME of run, or by the annotation tallship.dev/networks. overlay, the driver unless another is named,\nreaches over all nodes; bridge is each node's own.",
  flags: {
    driver: {
      type: "text",
      short: "d",
      value: "DRIVER",
      choices: ["overlay", "bridge"],
      summary: "over all nodes, or each node's own",
    },
    subnet: {
      type: "list",
      value: "CIDR",
      summary: "its addresses, a range of each family; one of 10.64.0.0/11 is picked when absent",
    },
    ipv6: { type: "switch", summary: "addresses of IPv6 too; a /64 of fd00::/8 is drawn when no --subnet is one" },
    internal: { type: "switch", summary: "no way out of it, and none into it" },
    encrypted: { type: "switch", summary: "between nodes by WireGuard, never in plain text; also: --opt encrypted" },
    opt: { type: "list", short: "o", value: "OPTION", summary: "docker's driver options: encrypted" },
    label: { type: "list", value: "KEY=VALUE", summary: "label of the network" },
    attachable: { type: "switch", summary: "accepted: all are" },
    ...CLUSTER_FLAGS,
  },
  operands: "words",
  run: runNetworkCreate,
});
