import { runImport } from "../images/import.js";
import { MADE_FLAGS } from "../images/made.js";
import { verb } from "../verb.js";

/** As docker import. */
export const importVerb = verb({
  forms: ["import FILE NAME[:TAG]", "import - NAME[:TAG]"],
  description: "The archive is a tar of a root file system, packed with gzip or zstd or not. The image has one layer.",
  examples: [
    ["import rootfs.tar.gz base:v1", "a root file system as an image of the cluster"],
    ["import -c 'CMD [\"sh\"]' - base:v1 < rootfs.tar", "with a command of its own"],
  ],
  flags: MADE_FLAGS,
  operands: "words",
  run: runImport,
});
