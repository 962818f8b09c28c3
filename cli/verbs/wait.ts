import { kindOfWord } from "../../kinds/lookup.js";
import { waitForEnd } from "../containers/wait.js";
import { CHOICE_FLAGS, CLUSTER_FLAGS } from "../flags.js";
import { verb } from "../verb.js";
import { runWait } from "../wait/wait.js";

/** Ends with 8 when the time is up. */
export const wait = verb({
  forms: [
    "wait CONTAINER…",
    "wait TYPE NAME… --for=…",
    "wait TYPE/NAME… --for=…",
    "wait TYPE -l LABELS --for=…",
    "wait -f FILE --for=…",
  ],
  examples: [
    ["wait deploy/hello --for=condition=Available", "until a condition holds"],
    ["wait pod --all --for=jsonpath='{.status.phase}'=Running", "until a field has a value"],
    ["wait job-1", "docker's form: until the container has ended; prints its exit code"],
    ["wait pod/web-0 --for=delete --timeout=1m", "until it is gone"],
  ],
  flags: {
    for: {
      type: "text",
      value: "WHAT",
      offers: ["condition=", "jsonpath=", "delete", "create"],
      summary: "what to wait for",
    },
    timeout: { type: "duration", value: "TIME", summary: "how long to wait; 30s when absent, 0 looks once" },
    ...CHOICE_FLAGS,
    ...CLUSTER_FLAGS,
  },
  operands: "objects",
  run: (call, shell) => {
    const { flags, operands } = call;
    const [first = ""] = operands;
    // A container may bear a kind's name: alone it is one, before another word it is the kind.
    const isKind = operands.length > 1 && kindOfWord(first) !== undefined;
    const namesObjects = isKind || operands.some((word) => word.includes("/"));
    const isDockers = flags.for === undefined && operands.length > 0 && !namesObjects;
    return isDockers ? waitForEnd(flags, operands, shell) : runWait(call, shell);
  },
});
