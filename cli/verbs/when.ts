import { CLUSTER_FLAGS, FILE_FLAGS } from "../flags.js";
import { verb } from "../verb.js";
import { runWhen } from "../when/when.js";

/** An estimate with what it rests on, or that it is not known. */
export const when = verb({
  forms: ["when POD", "when TYPE/NAME", "when -f FILE…"],
  description:
    "Lets the pods that run end as far as anything says when they do (a deadline, a deletion under way, what other pods of their job took) and places those\nthat wait in the scheduler's order. What nobody says stays unknown.",
  examples: [
    ["when train-7", "how many go before it, and when it gets a node"],
    ["when job/train", "the same of each of the job's pods that wait"],
    ["when -f job.yaml", "the same of pods that are not there yet"],
  ],
  flags: { ...FILE_FLAGS, ...CLUSTER_FLAGS },
  operands: "pods",
  run: runWhen,
});
