import { CLUSTER_FLAGS } from "../flags.js";
import { runContainerPrune, runSystemPrune, runVolumePrune } from "../system/prune.js";
import { verb } from "../verb.js";
import { runVolumeCreate, runVolumeInspect, runVolumeList, runVolumeRemove } from "../volumes/volumes.js";

const FORCE = { type: "switch", short: "f", summary: "do not ask" } as const;
const FORMAT = {
  type: "text",
  value: "FORM",
  offers: ["table", "json"],
  summary: "how it is printed; also a template such as '{{.Name}}'",
} as const;

/** Volumes by name are claims: `get pvc` shows them too. */
export const volumeLs = verb({
  forms: ["volume ls [-q]"],
  flags: {
    quiet: { type: "switch", short: "q", summary: "names only" },
    filter: {
      type: "list",
      short: "f",
      value: "KEY=VALUE",
      summary: "name, dangling, driver or label; may be repeated",
    },
    format: FORMAT,
    ...CLUSTER_FLAGS,
  },
  operands: "none",
  run: runVolumeList,
});

/** What a container that names the volume would make. */
export const volumeCreate = verb({
  forms: ["volume create [--size SIZE] [NAME]"],
  flags: {
    size: { type: "text", value: "SIZE", summary: "its size, such as 5Gi; 1Gi when absent" },
    driver: { type: "text", short: "d", value: "CLASS", summary: "storage class; the cluster's own when absent" },
    label: { type: "list", value: "KEY=VALUE", summary: "label of it" },
    opt: { type: "list", short: "o", value: "NAME=VALUE", summary: "docker's driver options: size" },
    ...CLUSTER_FLAGS,
  },
  operands: "words",
  run: runVolumeCreate,
});

/** With what they hold. */
export const volumeRm = verb({
  forms: ["volume rm [-f] NAME…"],
  flags: {
    force: { type: "switch", short: "f", summary: "say nothing of those that are not there" },
    ...CLUSTER_FLAGS,
  },
  operands: "words",
  run: runVolumeRemove,
});

/** In docker's shape. */
export const volumeInspect = verb({
  forms: ["volume inspect NAME…"],
  flags: { format: { ...FORMAT, short: "f" }, ...CLUSTER_FLAGS },
  operands: "words",
  run: runVolumeInspect,
});

/** Those that no container mounts. */
export const volumePrune = verb({
  forms: ["volume prune [-f]"],
  flags: {
    force: FORCE,
    all: { type: "switch", short: "a", summary: "for docker's sake: all that are not mounted go in any case" },
    ...CLUSTER_FLAGS,
  },
  operands: "none",
  run: runVolumePrune,
});

/** Those of `run` that have ended. */
export const containerPrune = verb({
  forms: ["container prune [-f]"],
  flags: { force: FORCE, ...CLUSTER_FLAGS },
  operands: "none",
  run: runContainerPrune,
});

/** What is left over: containers that have ended, images that nothing uses, with --volumes volumes that nobody mounts. */
export const systemPrune = verb({
  forms: ["system prune [-f] [-a] [--volumes]"],
  flags: {
    force: FORCE,
    all: { type: "switch", short: "a", summary: "images too that have a name on a node and are used by no pod" },
    volumes: { type: "switch", summary: "volumes too, with what they hold" },
    ...CLUSTER_FLAGS,
  },
  operands: "none",
  run: runSystemPrune,
});
