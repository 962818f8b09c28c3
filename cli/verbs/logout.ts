import { CLUSTER_FLAGS } from "../flags.js";
import { runLogout } from "../images/login.js";
import { verb } from "../verb.js";

/** As docker logout, for the pods of a namespace. */
export const logout = verb({
  forms: ["logout [SERVER]"],
  flags: { ...CLUSTER_FLAGS },
  operands: "words",
  run: runLogout,
});
