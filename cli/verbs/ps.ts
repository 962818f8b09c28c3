import { PS_FLAGS, runPs } from "../containers/ps.js";
import { verb } from "../verb.js";

/** Docker's list of containers, of the whole cluster. */
export const ps = verb({
  forms: ["ps [-a] [-q]"],
  examples: [
    ["ps -a", "those that have ended too"],
    ["ps --filter node=host2", "what runs on one node"],
    ["stop $(tsctl ps -q --filter label=tallship.dev/run)", "stop everything that run has started"],
  ],
  flags: PS_FLAGS,
  operands: "none",
  run: runPs,
});
