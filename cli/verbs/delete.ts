import { runDelete } from "../delete/delete.js";
import { CLUSTER_FLAGS, DRY_RUN_FLAGS, FILE_FLAGS, SELECT_FLAGS } from "../flags.js";
import { verb } from "../verb.js";

/** Waits until what it deletes is gone, unless told otherwise. */
export const deleteVerb = verb({
  forms: ["delete TYPE NAME…", "delete TYPE/NAME…", "delete TYPE -l LABELS", "delete TYPE --all", "delete -f FILE…"],
  examples: [
    ["delete -f hello.yaml", "everything that the file names"],
    ["delete pod web-0 --grace-period=0 --force", "without waiting for it to stop"],
    ["delete deploy/hello --cascade=orphan", "and leave its pods alone"],
  ],
  flags: {
    ...FILE_FLAGS,
    ...SELECT_FLAGS,
    all: { type: "switch", summary: "every object of the type in the namespace" },
    allNamespaces: { type: "switch", short: "A", summary: "in all namespaces, with -l or --all" },
    gracePeriod: {
      type: "number",
      value: "SECONDS",
      min: -1,
      summary: "time to stop; the object's own when absent or -1",
    },
    now: { type: "switch", summary: "one second to stop" },
    force: { type: "switch", summary: "with --grace-period=0: forget the object at once, even if it may still run" },
    cascade: {
      type: "text",
      value: "HOW",
      choices: ["background", "foreground", "orphan"],
      bare: "background",
      summary: "what happens to the objects that it owns",
    },
    wait: { type: "switch", default: true, summary: "do not wait until the objects are gone" },
    timeout: { type: "duration", value: "TIME", summary: "how long to wait; when absent, one minute beyond the grace" },
    ignoreNotFound: { type: "switch", summary: "an object that is not there is no failure" },
    ...DRY_RUN_FLAGS,
    output: { type: "text", short: "o", value: "FORMAT", choices: ["name"], summary: "print only names" },
    ...CLUSTER_FLAGS,
  },
  operands: "objects",
  run: runDelete,
});
