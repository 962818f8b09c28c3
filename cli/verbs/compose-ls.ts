import { PROJECT_FLAGS } from "../compose/command/project.js";
import { runLs } from "../compose/command/ps.js";
import { verb } from "../verb.js";

/** Lists projects by their pods, whatever made them. */
export const composeLs = verb({ forms: ["compose ls"], flags: PROJECT_FLAGS, operands: "none", run: runLs });
