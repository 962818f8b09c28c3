import { CHOICE_FLAGS, CLUSTER_FLAGS, DRY_RUN_FLAGS, LOCAL_FLAGS } from "../flags.js";
import { WRITTEN_FLAGS } from "../output/printer.js";
import { runSetEnv } from "../set/env.js";
import { verb } from "../verb.js";

/** A roll-out follows where the kind rolls out. */
export const setEnv = verb({
  forms: [
    "set env TYPE/NAME… NAME=VALUE… NAME-…",
    "set env TYPE/NAME… --from=configmap/NAME",
    "set env TYPE/NAME… --list",
  ],
  examples: [
    ["set env deploy/hello LOG=debug OLD-", "set one variable and remove another"],
    ["set env deploy/hello --from=secret/db --prefix=DB_", "a variable for each key of a secret"],
  ],
  flags: {
    containers: { type: "text", short: "c", value: "NAME", summary: "containers meant; all when absent" },
    from: { type: "text", value: "TYPE/NAME", summary: "config or secret whose keys become variables" },
    keys: { type: "list", value: "KEYS", summary: "only these keys of --from" },
    prefix: { type: "text", value: "TEXT", summary: "put before the names of --from" },
    overwrite: { type: "switch", default: true, summary: "refuse to replace variables that are there" },
    list: { type: "switch", summary: "print the variables and change nothing" },
    ...CHOICE_FLAGS,
    ...DRY_RUN_FLAGS,
    ...LOCAL_FLAGS,
    ...WRITTEN_FLAGS,
    ...CLUSTER_FLAGS,
  },
  operands: "objects",
  run: runSetEnv,
});
