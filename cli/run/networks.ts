import { DEFAULT_NETWORK, NETWORKS, NO_NETWORK } from "../../kinds/network.js";
import { usageError } from "../verb.js";
import type { RunFlags } from "./flags.js";

/** Networks that a container joins, and names that it has there beside its own. */
export interface AskedNetworks {
  readonly names: readonly string[];
  readonly aliases: readonly string[];
}

/** Reads docker's forms, `NAME` and `name=NAME,alias=ALIAS`, and --network-alias. Throws usage errors. */
export function readNetworks({ network, networkAlias }: Pick<RunFlags, "network" | "networkAlias">): AskedNetworks {
  const read = network.map(readNetwork);
  const aliases = [...new Set([...read.flatMap((each) => each.aliases), ...networkAlias])];
  const names = read.map(({ name }) => name);
  const alone = ["host", NO_NETWORK].find((each) => names.includes(each));
  if (alone !== undefined && aliases.length > 0) throw usageError(`a container on network ${alone} has no aliases`);
  return { names, aliases };
}

function readNetwork(text: string): { readonly name: string; readonly aliases: readonly string[] } {
  if (!text.includes("=")) return { name: text, aliases: [] };
  const pairs = text.split(",").map((pair) => pair.split("=", 2));
  const valuesOf = (key: string): readonly string[] =>
    pairs.flatMap(([found, value = ""]) => (found === key ? [value] : []));
  const odd = pairs.find(
    ([key = "", value]) => !["name", "alias"].includes(key) || value === undefined || value === "",
  );
  if (odd !== undefined)
    throw usageError(`--network "${text}": want name=NETWORK and alias=NAME; addresses are given by the node`);
  const [name, ...more] = valuesOf("name");
  if (name === undefined || more.length > 0)
    throw usageError(`--network "${text}" names ${more.length === 0 ? "no network" : "several"}`);
  return { name, aliases: valuesOf("alias") };
}

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
