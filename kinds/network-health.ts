/** Type of a node's condition that is True while something is at fault on its ways to other nodes. */
export const NETWORK_CONDITION = "NetworkFault";

/** Annotation of a node: `off` forbids its agent to do anything about faults of the network but to tell of them. */
export const REMEDIES_ANNOTATION = "tallship.dev/network-remedies";

/** Whether the agent of a node with these annotations may do something about faults. */
export function mayRemedy(annotations: Readonly<Record<string, string>> | undefined): boolean {
  return annotations?.[REMEDIES_ANNOTATION] !== "off";
}
