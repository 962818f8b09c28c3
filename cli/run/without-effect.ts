import { type Flags, type FlagValues, flagName } from "../flags.js";

/** Flags of docker's run that are taken, so that command lines work as they are, and have no effect: the user is told so. */
export const WITHOUT_EFFECT_FLAGS = {
  logDriver: { type: "text", value: "DRIVER", summary: "no effect: logs stay on the node, for tsctl logs" },
  logOpt: { type: "list", value: "OPTION", summary: "no effect: the node rotates logs" },
  memorySwap: { type: "text", value: "BYTES", summary: "no effect: containers do not swap" },
  memorySwappiness: { type: "number", value: "PERCENT", summary: "no effect: containers do not swap" },
  kernelMemory: { type: "text", value: "BYTES", summary: "no effect: the kernel has given it up" },
  oomKillDisable: { type: "switch", summary: "no effect: what exceeds --memory is killed" },
  oomScoreAdj: { type: "number", value: "SCORE", summary: "no effect: it follows from what is reserved (QoS)" },
  cpusetCpus: { type: "text", value: "CPUS", summary: "no effect: any core is used, --cpus says how much of them" },
  cpusetMems: { type: "text", value: "NODES", summary: "no effect: memory of any NUMA node is used" },
  blkioWeight: { type: "number", value: "WEIGHT", summary: "no effect: block I/O is not shared out by weight" },
  cgroupParent: { type: "text", value: "PATH", summary: "no effect: the node chooses the control group" },
  runtime: { type: "text", value: "RUNTIME", summary: "no effect: the node chooses the runtime" },
} as const satisfies Flags;

/** A sentence for each of them that was given. Pure. */
export function notesWithoutEffect(flags: FlagValues<typeof WITHOUT_EFFECT_FLAGS>): readonly string[] {
  return Object.entries(WITHOUT_EFFECT_FLAGS).flatMap(([key, { summary }]) => {
    const found = Object.entries(flags).find(([name]) => name === key)?.[1];
    const isGiven = Array.isArray(found) ? found.length > 0 : found !== undefined && found !== false;
    return isGiven ? [`--${flagName(key)}: ${summary}`] : [];
  });
}
