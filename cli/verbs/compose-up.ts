import { runUp, UP_FLAGS } from "../compose/command/up.js";
import { verb } from "../verb.js";

/** Docker's `up`; what it makes are the same objects that `apply` makes of the file. */
export const composeUp = verb({
  forms: ["compose [-f FILE…] [-p NAME] up [-d] [--wait] [SERVICE…]"],
  description:
    "Without -d the logs are followed; Ctrl-C stops the services. Fields that have no effect here are named.",
  examples: [
    ["compose up -d", "the project of this folder"],
    ["compose -f compose.yaml -f prod.yaml up --wait", "of two files, until everything is healthy"],
    ["compose up -d --scale web=3", "with three containers of web"],
  ],
  flags: UP_FLAGS,
  operands: "words",
  run: runUp,
});
