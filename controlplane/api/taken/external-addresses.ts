import { ipv6SubnetOf } from "../../../kinds/network.js";
import { isNodesOwn } from "../../../kinds/node-ports.js";
import { metaOf } from "../../../kinds/object.js";
import type { FieldError } from "../../../kinds/validation/findings.js";
import { hostPrefix } from "../../../net/family.js";
import { announcedFronts, externalFronts } from "../../../net/proxy/outer-fronts.js";
import { TakenNetwork } from "../../../proto/gen/tallship/v1/record.js";
import type { Service } from "../../../proto/gen/tallship/v1/service.js";
import type { View } from "../../cache/view.js";
import { type ClusterCIDRs, clashOf, groundOf } from "./network-ranges.js";

/**
 * Why a service may not have external addresses that it newly names. Every node leads what is sent there to the service's pods: so an address of another service, of pods or of a network would
 * take their packets away, a port of a node's own daemons the node, and one that another service leads somewhere is led by one of the two, by chance.
 */
export function externalErrors(
  service: Service,
  live: Service | undefined,
  { view, cluster }: { readonly view: View; readonly cluster: ClusterCIDRs },
): readonly FieldError[] {
  const before = new Set(externalFronts(live).map(({ text }) => text));
  const fronts = externalFronts(service).filter(({ text }) => !before.has(text));
  if (fronts.length === 0) return [];
  const ground = groundOf(networksIn(view), cluster, view);
  const own = { ranges: ground.ranges, hosts: new Map<string, string>() };
  const taken = takenIn(view, service);
  return fronts.flatMap(({ at, ip, port, text }): readonly FieldError[] => {
    const wrong = (message: string): FieldError[] => [{ code: "invalid", path: `spec.externalIPs[${at}]`, message }];
    const clash = clashOf(hostPrefix(ip), own);
    if (clash !== undefined) return wrong(`${ip} is an address of ${clash.holder} (${clash.cidr})`);
    const node = ground.hosts.get(ip);
    if (node !== undefined && isNodesOwn(port)) return wrong(`port ${port} is one that node ${node} needs itself`);
    const holder = taken.get(text);
    return holder === undefined ? [] : wrong(`${text} is taken by ${holder}`);
  });
}

/** Who has which addresses and ports, of all services but one. */
function takenIn(view: View, besides: Service): ReadonlyMap<string, string> {
  const { uid } = metaOf(besides);
  const taken = new Map<string, string>();
  for (const { object } of view.list("Service")) {
    const { namespace, name, uid: other } = metaOf(object);
    if (other === uid) continue;
    for (const { text } of [...externalFronts(object), ...announcedFronts(object)])
      taken.set(text, `Service ${namespace}/${name}`);
  }
  return taken;
}

function networksIn(view: View): readonly TakenNetwork[] {
  return view.list("Network").map(({ object }) => {
    const { namespace, name } = metaOf(object);
    const subnetIPv6 = object.spec === undefined ? "" : (ipv6SubnetOf(object.spec) ?? "");
    return TakenNetwork.fromPartial({ holder: `${namespace}/${name}`, subnet: object.spec?.subnet ?? "", subnetIPv6 });
  });
}
