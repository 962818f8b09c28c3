import { CLUSTER_FLAGS, FILE_FLAGS, SELECT_FLAGS } from "../flags.js";
import { runGet } from "../get/get.js";
import { PRINT_FLAGS } from "../output/printer.js";
import { TABLE_FLAGS } from "../print.js";
import { verb } from "../verb.js";

/** Prints objects once, or as they change. */
export const get = verb({
  forms: ["get TYPE[,TYPE…] [NAME…]", "get TYPE/NAME…", "get -f FILE"],
  examples: [
    ["get pods -o wide", "pods with their addresses and nodes"],
    ["get nodes,deployments,pods", "several types at once"],
    ["get pods -A -l app=web -w", "pods of all namespaces by label, and every change"],
    ["get deploy/hello -o yaml", "one object whole"],
    ["get pods -o jsonpath='{.items[*].status.podIP}'", "one field of each"],
    ["get pods -o custom-columns=NAME:.metadata.name,NODE:.spec.nodeName", "a table of your own"],
    ["get pods --sort-by=.metadata.creationTimestamp", "the oldest first"],
  ],
  flags: {
    ...PRINT_FLAGS,
    template: { type: "text", value: "TEMPLATE", summary: "template for -o go-template, jsonpath or custom-columns" },
    watch: { type: "switch", short: "w", summary: "go on and print every change" },
    watchOnly: { type: "switch", summary: "print changes only, not what is there" },
    allNamespaces: { type: "switch", short: "A", summary: "objects of all namespaces" },
    ...SELECT_FLAGS,
    ...FILE_FLAGS,
    ignoreNotFound: { type: "switch", summary: "an object that is not there is no failure" },
    ...TABLE_FLAGS,
    labelColumns: { type: "list", short: "L", value: "LABELS", summary: "add a column for each of these labels" },
    showKind: { type: "switch", summary: "put the type before each name" },
    sortBy: { type: "text", value: "FIELD", summary: "bring them into the order of this field: .metadata.name" },
    ...CLUSTER_FLAGS,
  },
  operands: "objects",
  run: runGet,
});
