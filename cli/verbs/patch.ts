import { CLUSTER_FLAGS, DRY_RUN_FLAGS, FILE_FLAGS } from "../flags.js";
import { WRITTEN_FLAGS } from "../output/printer.js";
import { runPatch } from "../patch/patch.js";
import { verb } from "../verb.js";

/** Changes only the fields that the patch names. */
export const patch = verb({
  forms: ["patch TYPE NAME -p PATCH", "patch TYPE/NAME… -p PATCH", "patch -f FILE --patch-file FILE"],
  description:
    "A strategic patch merges lists by the names of their elements, a merge patch replaces them, a JSON patch is a list\nof operations. Patches are YAML or JSON.",
  examples: [
    ["patch deploy/hello -p '{spec: {replicas: 2}}'", "change one field"],
    ["patch svc hello --type=merge -p '{metadata: {labels: {tier: null}}}'", "remove a label"],
    [
      `patch pod web --subresource resize -p '{spec: {containers: [{name: main, resources: {limits: {cpu: "2"}}}]}}'`,
      "other resources while it runs",
    ],
    [`patch deploy hello --type=json -p '[{op: replace, path: /spec/replicas, value: 4}]'`, "by operations (RFC 6902)"],
  ],
  flags: {
    patch: { type: "text", short: "p", value: "PATCH", summary: "the patch" },
    patchFile: { type: "text", value: "FILE", summary: "file that holds the patch, - for standard input" },
    type: {
      type: "text",
      value: "FORM",
      choices: ["strategic", "merge", "json"],
      summary: "form of the patch; strategic when absent",
    },
    subresource: {
      type: "text",
      value: "NAME",
      choices: ["resize", "scale", "status"],
      summary:
        "part of the object that alone may change: resize for the resources of a pod that runs, scale for the number of replicas, status for what a controller of one's own says, such as a condition that a readiness gate asks for",
    },
    ...FILE_FLAGS,
    ...DRY_RUN_FLAGS,
    ...WRITTEN_FLAGS,
    ...CLUSTER_FLAGS,
  },
  operands: "objects",
  run: runPatch,
});
