import { runUp, UP_FLAGS } from "../compose/command/up.js";
import { verb } from "../verb.js";

/** Docker's `up`; what it makes are the same objects that `apply` makes of the file. */
export const composeUp = verb({
  forms: ["compose [-f FILE…] [-p NAME] up [-d] [--wait] [SERVICE…]"],
  description:
    "Without -d the logs are followed; Ctrl-C stops the services. With it, up ends once all containers have started, with 1 when one cannot: an image that cannot be had is told at its place in the file, and tried again by the next up. What finds no room in the cluster is told and not waited for. Fields that have no effect here are named.",
  examples: [
    ["compose up -d", "the project of this folder"],
    ["compose -f compose.yaml -f prod.yaml up --wait", "of two files, until everything is healthy"],
    ["compose up -d --scale web=3", "with three containers of web"],
  ],
  flags: UP_FLAGS,
  operands: "words",
  run: runUp,
});
