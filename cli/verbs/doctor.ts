import { runDoctor } from "../doctor/doctor.js";
import { CLUSTER_FLAGS } from "../flags.js";
import { verb } from "../verb.js";

/** `tallshipd doctor` checks a host; this checks what lies between the user and the cluster. */
export const doctor = verb({
  forms: ["doctor"],
  description: "Run tallshipd doctor on a host to check the host itself.",
  flags: { context: CLUSTER_FLAGS.context, config: CLUSTER_FLAGS.config },
  operands: "none",
  run: runDoctor,
});
