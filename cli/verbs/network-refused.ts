import { TallshipError } from "../../lib/errors.js";
import { CLUSTER_FLAGS } from "../flags.js";
import { verb } from "../verb.js";

/** What docker does to containers that run: a pod's networks are fixed when it is made. */
export const networkRefused = (name: "connect" | "disconnect") =>
  verb({
    forms: [`network ${name} NETWORK CONTAINER`],
    flags: CLUSTER_FLAGS,
    operands: "words",
    run: async () => {
      throw new TallshipError(
        "not_supported",
        `network ${name}: a container's networks are fixed when it is made: run it anew with --network for each, or change the annotation tallship.dev/networks of its workload's template`,
      );
    },
  });
