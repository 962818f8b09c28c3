import { CLUSTER_FLAGS } from "../flags.js";
import { runSearch } from "../images/search.js";
import { verb } from "../verb.js";

/** As docker search, in the cluster or in any registry that has a catalogue. */
export const search = verb({
  forms: ["search [TERM]", "search REGISTRY[/TERM]"],
  description:
    "Without a registry the cluster's own images are looked through. A registry must offer a catalogue; Docker Hub and most public ones do not.",
  examples: [
    ["search app", "images of the cluster"],
    ["search reg.example:5000/team", "repositories of a registry"],
  ],
  flags: {
    registry: { type: "text", value: "HOST[:PORT]", summary: "look into this registry" },
    limit: { type: "number", value: "COUNT", summary: "at most so many" },
    ...CLUSTER_FLAGS,
  },
  operands: "words",
  run: runSearch,
});
