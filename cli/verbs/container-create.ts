import { RUN_INSTEAD } from "../run/extras.js";
import { RUN_FLAGS } from "../run/flags.js";
import { runRun } from "../run/run.js";
import { verb } from "../verb.js";

/** As docker create, which alone is kubectl's word here. */
export const containerCreate = verb({
  forms: ["container create [-it] [-p PORT:PORT] IMAGE [COMMAND ARG…]"],
  description: "It has a node and its name, and runs once `start` says so. The flags are those of run.",
  examples: [["container create --name web -p 4000:80 my-image", "then: start web"]],
  flags: RUN_FLAGS,
  instead: RUN_INSTEAD,
  operands: "words",
  takesCommand: true,
  commandFollows: () => true,
  run: (call, shell) => runRun({ ...call, isHeld: true }, shell),
});
