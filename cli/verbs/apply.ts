import { runApply } from "../apply/apply.js";
import { CLUSTER_FLAGS, DRY_RUN_FLAGS, FILE_FLAGS, SELECT_FLAGS } from "../flags.js";
import { OBJECT_OUTPUT_FLAGS } from "../print.js";
import { verb } from "../verb.js";

/** Everything is checked before anything is sent; the server checks again before it writes. */
export const apply = verb({
  forms: ["apply -f FILE… [--wait] [--prune] [--dry-run[=client|server]]", "apply -k FOLDER"],
  description:
    "Fields that the files leave out keep the value that another owner gave them; fields that an earlier apply set and the\nfiles no longer have are removed. A set is not written all at once: after a failure, run the same command again.",
  examples: [
    ["apply -f hello.yaml --wait", "and wait until everything is ready"],
    ["apply -f folder -R", "every YAML and JSON file of a folder and the folders in it"],
    ["apply -f - <hello.yaml", "from standard input"],
  ],
  flags: {
    ...FILE_FLAGS,
    ...DRY_RUN_FLAGS,
    strict: { type: "switch", summary: "refuse fields that are accepted without effect" },
    force: { type: "switch", summary: "take fields over that another owner has set" },
    forceConflicts: { type: "switch", summary: "kubectl's name of --force" },
    serverSide: { type: "switch", summary: "accepted for kubectl's sake: the server merges every apply" },
    fieldManager: { type: "text", value: "NAME", summary: "whose fields these are; tsctl when absent" },
    selector: { ...SELECT_FLAGS.selector, summary: "only objects of the files with these labels" },
    set: { type: "text", value: "NAME", summary: "name of the set of objects; that of the file or folder when absent" },
    prune: {
      type: "switch",
      summary: "delete what earlier applies of the set made and the files no longer have, after asking",
    },
    yes: { type: "switch", short: "y", summary: "do not ask" },
    wait: { type: "switch", summary: "wait until all objects are ready" },
    timeout: { type: "duration", value: "TIME", summary: "how long to wait; 5m when absent" },
    ...OBJECT_OUTPUT_FLAGS,
    ...CLUSTER_FLAGS,
  },
  operands: "none",
  run: ({ flags }, shell) => runApply({ flags: { ...flags, force: flags.force || flags.forceConflicts } }, shell),
});
