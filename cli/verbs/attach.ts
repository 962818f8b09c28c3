import { runAttach } from "../containers/attach.js";
import { CLUSTER_FLAGS } from "../flags.js";
import { verb } from "../verb.js";

/** Ctrl-P Ctrl-Q leaves a terminal, and what runs goes on. */
export const attach = verb({
  forms: ["attach CONTAINER"],
  flags: {
    container: { type: "text", short: "c", value: "NAME", summary: "this one of the pod; the first when absent" },
    noStdin: { type: "switch", summary: "do not pass standard input on" },
    stdin: {
      type: "switch",
      short: "i",
      summary: "for kubectl's sake: input is passed on where the container takes any",
    },
    tty: { type: "switch", short: "t", summary: "for kubectl's sake: a container with a terminal gets the user's" },
    ...CLUSTER_FLAGS,
  },
  operands: "pods",
  run: runAttach,
});
