import { runChanges } from "../containers/changes.js";
import { runDiff } from "../diff/diff.js";
import { CLUSTER_FLAGS, FILE_FLAGS, SELECT_FLAGS } from "../flags.js";
import { usageError, verb } from "../verb.js";

/** Writes nothing; the server says what an apply would make. */
export const diff = verb({
  forms: ["diff -f FILE…", "diff -k FOLDER", "diff CONTAINER"],
  description:
    "Exits with 0 when nothing differs, with 1 when something does, and with more when it fails. Values of Secrets are not shown,\nonly that they differ.",
  examples: [
    ["diff -f hello.yaml", "what apply -f hello.yaml would change"],
    ["diff -k overlays/prod --prune", "and what apply --prune would delete"],
    ["diff web", "docker's form: which files of its image a container has changed"],
  ],
  flags: {
    ...FILE_FLAGS,
    prune: { type: "switch", summary: "show also what the set has and the files no longer have" },
    force: { type: "switch", summary: "as if fields were taken over that another owner has set" },
    forceConflicts: { type: "switch", summary: "kubectl's name of --force" },
    serverSide: { type: "switch", summary: "accepted for kubectl's sake: the server merges every apply" },
    fieldManager: { type: "text", value: "NAME", summary: "whose fields they would be; tsctl when absent" },
    set: { type: "text", value: "NAME", summary: "name of the set of objects; that of the file or folder when absent" },
    selector: { ...SELECT_FLAGS.selector, summary: "only objects of the files with these labels" },
    ...CLUSTER_FLAGS,
  },
  operands: "pods",
  run: (call, shell) => {
    const { operands } = call;
    const flags = { ...call.flags, force: call.flags.force || call.flags.forceConflicts };
    const hasFiles = flags.filename.length > 0 || flags.kustomize !== undefined;
    if (hasFiles && operands.length > 0) throw usageError(`unexpected "${operands[0]}" beside files`);
    return operands.length > 0 ? runChanges(flags, operands, shell) : runDiff({ flags }, shell);
  },
});
