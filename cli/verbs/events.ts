import { runEvents } from "../events/events.js";
import { CLUSTER_FLAGS } from "../flags.js";
import { OUTPUT_FLAGS, TABLE_FLAGS } from "../print.js";
import { verb } from "../verb.js";

/** Events are kept an hour. */
export const events = verb({
  forms: ["events [--for TYPE/NAME] [-w]"],
  examples: [
    ["events --for pod/web-0", "what happened to one pod"],
    ["events -A --types Warning -w", "warnings of all namespaces, as they come"],
  ],
  flags: {
    for: { type: "text", value: "TYPE/NAME", summary: "only about this object" },
    types: { type: "text", value: "TYPES", summary: "only of these types: Normal,Warning" },
    watch: { type: "switch", short: "w", summary: "go on and print new ones" },
    allNamespaces: { type: "switch", short: "A", summary: "events of all namespaces" },
    ...OUTPUT_FLAGS,
    noHeaders: TABLE_FLAGS.noHeaders,
    ...CLUSTER_FLAGS,
  },
  operands: "none",
  run: runEvents,
});
