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
    [
      "events --since 10m --filter type=container --format '{{.Action}} {{.Actor.Attributes.name}}'",
      "as docker's users ask",
    ],
  ],
  flags: {
    for: { type: "text", value: "TYPE/NAME", summary: "only about this object" },
    types: { type: "text", value: "TYPES", summary: "only of these types: Normal,Warning" },
    since: { type: "text", value: "TIME", summary: "only what was seen in the last 30s, 5m…, or since a time" },
    until: {
      type: "text",
      value: "TIME",
      summary: "only what was seen until then; a time that is to come is waited for",
    },
    filter: {
      type: "list",
      short: "f",
      value: "KEY=VALUE",
      summary: "type (such as pod, container, node), event (the reason), container, name or node; may be repeated",
    },
    format: {
      type: "text",
      value: "FORM",
      offers: ["json"],
      summary:
        "as docker prints events: json, or a template such as '{{.Time}} {{.Action}} {{.Actor.Attributes.name}}'",
    },
    watch: { type: "switch", short: "w", summary: "go on and print new ones" },
    allNamespaces: { type: "switch", short: "A", summary: "events of all namespaces" },
    ...OUTPUT_FLAGS,
    noHeaders: TABLE_FLAGS.noHeaders,
    ...CLUSTER_FLAGS,
  },
  operands: "none",
  run: runEvents,
});
