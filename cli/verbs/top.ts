import { runTopNodes, runTopPods } from "../containers/top.js";
import { runExec } from "../exec/exec.js";
import { CLUSTER_FLAGS, SELECT_FLAGS } from "../flags.js";
import { usageError, verb } from "../verb.js";

const PODS: ReadonlySet<string> = new Set(["pods", "pod", "po"]);
const NODES: ReadonlySet<string> = new Set(["nodes", "node", "no"]);

/** kubectl's form tells what pods and nodes use, docker's what runs in a container. */
export const top = verb({
  forms: ["top pods [NAME…]", "top nodes [NAME…]", "top CONTAINER"],
  examples: [
    ["top pods --sort-by=memory", "the largest first"],
    ["top web", "the processes of a container, by its own ps"],
  ],
  flags: {
    allNamespaces: { type: "switch", short: "A", summary: "of all namespaces" },
    selector: SELECT_FLAGS.selector,
    containers: { type: "switch", summary: "each container of the pods" },
    sortBy: { type: "text", value: "WHAT", choices: ["cpu", "memory"], summary: "the largest first; else by name" },
    noHeaders: { type: "switch", summary: "no line of headings" },
    ...CLUSTER_FLAGS,
  },
  operands: "words",
  run: async ({ flags, operands }, shell) => {
    const [what, ...names] = operands;
    if (what === undefined) throw usageError("say of what: top pods, top nodes or top CONTAINER");
    if (PODS.has(what)) return runTopPods(flags, names, shell);
    if (NODES.has(what)) return runTopNodes(flags, names, shell);
    const exec = { ...flags, stdin: false, tty: false, container: undefined, quiet: true };
    return runExec({ flags: exec, operands: [what], rest: ["ps", ...names] }, shell);
  },
});
