import { CLUSTER_FLAGS, FILE_FLAGS, SELECT_FLAGS } from "../flags.js";
import { runGet } from "../get/get.js";
import { OUTPUT_FLAGS, TABLE_FLAGS } from "../print.js";
import { verb } from "../verb.js";

/** Prints objects once, or as they change. */
export const get = verb({
  forms: ["get TYPE[,TYPE…] [NAME…]", "get TYPE/NAME…", "get -f FILE"],
  examples: [
    ["get pods -o wide", "pods with their addresses and nodes"],
    ["get nodes,deployments,pods", "several types at once"],
    ["get pods -A -l app=web -w", "pods of all namespaces by label, and every change"],
    ["get deploy/hello -o yaml", "one object whole"],
  ],
  flags: {
    ...OUTPUT_FLAGS,
    watch: { type: "switch", short: "w", summary: "go on and print every change" },
    allNamespaces: { type: "switch", short: "A", summary: "objects of all namespaces" },
    ...SELECT_FLAGS,
    ...FILE_FLAGS,
    ignoreNotFound: { type: "switch", summary: "an object that is not there is no failure" },
    ...TABLE_FLAGS,
    ...CLUSTER_FLAGS,
  },
  operands: "objects",
  run: runGet,
});
