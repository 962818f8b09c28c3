import { runPort } from "../containers/port.js";
import { CLUSTER_FLAGS } from "../flags.js";
import { verb } from "../verb.js";

/** A port at 0.0.0.0 is open on every node of the cluster. */
export const port = verb({
  forms: ["port CONTAINER [PORT[/PROTOCOL]]"],
  flags: CLUSTER_FLAGS,
  operands: "pods",
  run: runPort,
});
