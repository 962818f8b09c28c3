import { runCreate } from "../create/create.js";
import { CLUSTER_FLAGS, DRY_RUN_FLAGS, FILE_FLAGS } from "../flags.js";
import { WRITTEN_FLAGS } from "../output/printer.js";
import { verb } from "../verb.js";

/** `apply` creates as well; this refuses what is there already, and takes generateName. */
export const create = verb({
  forms: ["create -f FILE…", "create KIND NAME …"],
  description: 'Run "tsctl help create KIND" for the flags of a kind that can be made without a file.',
  examples: [
    ["create -f job.yaml", "every object of a file; generateName makes up a name"],
    ["create configmap c --from-literal=a=1", "without a file"],
    ["create deployment web --image=web --dry-run=client -o yaml", "print the file instead"],
  ],
  flags: {
    ...FILE_FLAGS,
    strict: { type: "switch", summary: "refuse fields that are accepted without effect" },
    ...DRY_RUN_FLAGS,
    ...WRITTEN_FLAGS,
    ...CLUSTER_FLAGS,
  },
  operands: "words",
  run: (call, shell, verbs) =>
    runCreate(
      call,
      shell,
      verbs.flatMap(({ name }) => (name.startsWith("create ") ? [name.slice(7)] : [])),
    ),
});
