import { DEFAULT_NETWORK, NETWORKS, NO_NETWORK } from "../../kinds/network.js";
import { usageError } from "../verb.js";

/** Whether the container has its host's network. It stands alone: so it does with docker. */
export function isOnHost(networks: readonly string[]): boolean {
  for (const alone of ["host", NO_NETWORK])
    if (networks.includes(alone) && networks.length > 1) throw usageError(`--network ${alone} stands alone`);
  return networks.includes("host");
}

/** The annotation that names the container's networks; none for the one that all are on. Docker's bridge is that one. */
export function networkAnnotations(networks: readonly string[]): Readonly<Record<string, string>> {
  const names = networks.map((name) => (name === "bridge" ? DEFAULT_NETWORK : name));
  const isUsual = names.length === 0 || (names.length === 1 && names[0] === DEFAULT_NETWORK);
  return isUsual || isOnHost(networks) ? {} : { [NETWORKS]: names.join(",") };
}
