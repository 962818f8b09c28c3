import { PROJECT_FLAGS } from "../compose/command/project.js";
import { runPort } from "../compose/command/ps.js";
import { verb } from "../verb.js";

/** Prints where a port of a service is open. */
export const composePort = verb({
  forms: ["compose [-p NAME] port SERVICE PORT"],
  flags: {
    protocol: { type: "text", value: "NAME", choices: ["tcp", "udp", "sctp"], summary: "protocol of the port" },
    ...PROJECT_FLAGS,
  },
  operands: "words",
  run: runPort,
});
