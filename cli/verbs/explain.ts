import { runExplain } from "../explain/explain.js";
import { verb } from "../verb.js";

/** Needs no cluster: the schema is part of the program. */
export const explain = verb({
  forms: ["explain TYPE[.FIELD…] [--recursive]"],
  examples: [
    ["explain deployment.spec.strategy", "a field and what it holds"],
    ["explain pod --recursive", "every field of a kind"],
  ],
  flags: {
    recursive: { type: "switch", summary: "list all fields below, without their texts" },
    apiVersion: { type: "text", value: "VERSION", summary: "of this group and version, where it is told of" },
  },
  operands: "types",
  run: runExplain,
});
