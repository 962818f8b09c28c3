import { isIpv4 } from "../../../kinds/ip.js";
import { DEFAULT_NETWORK, NETWORKS, NO_NETWORK } from "../../../kinds/network.js";
import type { Place } from "../load/node.js";
import type { NetworkModel } from "../model/project.js";
import type { Located } from "../model/reader.js";
import { type ActiveService, objectOf, type ProjectContext, type ServiceContext } from "./context.js";
import { dnsName } from "./names.js";
import { at, type Part, type Placed } from "./part.js";
import { usesOtherNetwork } from "./shared-pod.js";

// Most networks of compose files are told apart by policies alone, on the cluster's own network, where every name leads everywhere it may. What that
// cannot do, encryption and a range of its own, is a Network of the cluster.

/** Objects for the networks that need to be Networks of the cluster. */
export function networkObjects(context: ProjectContext): readonly Placed[] {
  const used = new Set([...context.services.values()].flatMap(keysOf));
  return [...(context.model.networks?.value ?? [])].flatMap(([key, { value, place }]) => {
    if (!used.has(key) || !isJoined(context, key)) return [];
    const spec = {
      subnet: subnetOf(value)?.value,
      internal: value.internal?.value === true || undefined,
      encrypted: isEncrypted(value) || undefined,
    };
    return [objectOf(context, { apiVersion: "tallship.dev/v1", kind: "Network", name: key, place }, { spec })];
  });
}

/** The annotation that names the networks of the service's pods; nothing where all are told apart by policies. */
export function joinedParts(context: ServiceContext): Readonly<Record<string, Part>> {
  const { service } = context;
  const mode = service.model.network_mode;
  if (mode?.value === "none") return { [NETWORKS]: at(mode.place, NO_NETWORK) };
  const keys = mode?.value === "host" ? [] : keysOf(service);
  const names = [...new Set(keys.map((key) => (isJoined(context, key) ? dnsName(key) : DEFAULT_NETWORK)))];
  if (names.every((name) => name === DEFAULT_NETWORK)) return {};
  const place = service.model.networks?.place ?? service.place;
  return { [NETWORKS]: at(place, names.join(",")) };
}

/** True for a network that becomes one of the cluster: one that is encrypted, or asks for a range of its own. */
export function isJoined(context: Pick<ProjectContext, "model">, key: string): boolean {
  const network = context.model.networks?.value.get(key)?.value;
  if (network === undefined || network.external !== undefined) return false;
  return isEncrypted(network) || subnetOf(network) !== undefined;
}

function keysOf({ model }: ActiveService): readonly string[] {
  if (usesOtherNetwork(model)) return [];
  return [...(model.networks?.value.keys() ?? ["default"])];
}

/** Docker's option for overlay networks: set to anything but false. */
function isEncrypted({ driver_opts: options }: NetworkModel): boolean {
  const value = options?.value.get("encrypted")?.value;
  return value !== undefined && value !== "false" && value !== "0";
}

/** The first IPv4 range that is asked for. */
function subnetOf({ ipam }: NetworkModel): { readonly value: string; readonly place: Place } | undefined {
  const subnets: readonly (Located<string> | undefined)[] = (ipam?.value.config?.value ?? []).map(
    ({ value }) => value.subnet,
  );
  return subnets.find((subnet) => isIpv4(subnet?.value.split("/")[0] ?? ""));
}
