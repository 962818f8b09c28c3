import { runCopy } from "../containers/copy.js";
import { CLUSTER_FLAGS } from "../flags.js";
import { verb } from "../verb.js";

/** Needs nothing in the container, not even tar. */
export const cp = verb({
  forms: ["cp CONTAINER:PATH PATH", "cp PATH CONTAINER:PATH"],
  examples: [
    ["cp web:/etc/nginx/nginx.conf .", "a file to here"],
    ["cp site/. web:/usr/share/nginx/html", "what a folder holds into one there"],
    ["cp shop/web:/etc/hosts .", "of a pod of namespace shop, where none is named shop"],
    ["cp web:/var/log - | tar -t", "as a tar archive"],
  ],
  flags: {
    container: { type: "text", short: "c", value: "NAME", summary: "this one of the pod; the first when absent" },
    archive: { type: "switch", short: "a", summary: "keep user and group" },
    followLink: { type: "switch", short: "L", summary: "what a symbolic link leads to, instead of the link" },
    quiet: { type: "switch", short: "q", summary: "say nothing when it went well" },
    ...CLUSTER_FLAGS,
  },
  operands: "words",
  run: runCopy,
});
