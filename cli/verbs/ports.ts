import { CLUSTER_FLAGS } from "../flags.js";
import { runPorts } from "../ports/ports.js";
import { verb } from "../verb.js";

/** What can be reached from where. */
export const ports = verb({
  forms: ["ports"],
  description:
    "Ports of services, of containers that have a port of their host, and of nodes' entry for HTTP, with who reaches them. What firewalls and\nnetwork policies keep away is not told.",
  examples: [["ports -A", "of all namespaces"]],
  flags: { allNamespaces: { type: "switch", short: "A", summary: "ports of all namespaces" }, ...CLUSTER_FLAGS },
  operands: "none",
  run: runPorts,
});
