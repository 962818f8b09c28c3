import { CLUSTER_FLAGS } from "../flags.js";
import { runLoad } from "../images/load.js";
import { verb } from "../verb.js";

/** As docker load; the images are the cluster's then. */
export const imageLoad = verb({
  forms: ["image load [-i FILE] [-t NAME]…"],
  description:
    "The archive is what docker save, podman save or skopeo write, or an OCI layout in a tar; packed with gzip or zstd or not. Pods on every node can name its images from then on, without a registry.",
  examples: [
    ["image load -i app.tar", "an archive of docker save"],
    ["image load -i app.tar -t app:v2", "under another name"],
  ],
  flags: {
    input: { type: "text", short: "i", value: "FILE", summary: "read this archive; standard input when absent or -" },
    tag: { type: "list", short: "t", value: "NAME", summary: "call the archive's one image so" },
    quiet: { type: "switch", short: "q", summary: "tell nothing of how far it is" },
    ...CLUSTER_FLAGS,
  },
  operands: "none",
  run: runLoad,
});
