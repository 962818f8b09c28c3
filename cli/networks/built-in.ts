import { DEFAULT_NETWORK } from "../../kinds/network.js";

/** Networks that are no objects: they are always there, and stay. */
export const BUILT_IN = [
  { name: DEFAULT_NETWORK, driver: "overlay", scope: "cluster" },
  { name: "host", driver: "host", scope: "local" },
  { name: "none", driver: "null", scope: "local" },
] as const;

/** True for a name that is always there; bridge is what docker calls the one that containers are on unless they are told otherwise. */
export function isBuiltIn(name: string): boolean {
  return name === "bridge" || BUILT_IN.some((network) => network.name === name);
}
