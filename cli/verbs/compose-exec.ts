import { EXEC_FLAGS, runComposeExec } from "../compose/command/exec.js";
import { verb } from "../verb.js";

/** The command's own exit code is passed on. */
export const composeExec = verb({
  forms: ["compose [-p NAME] exec [-T] SERVICE COMMAND…"],
  flags: EXEC_FLAGS,
  operands: "words",
  takesCommand: true,
  run: runComposeExec,
});
