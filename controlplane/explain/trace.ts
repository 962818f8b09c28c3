import { metaOf } from "../../kinds/object.js";
import { isConditionTrue, isPodFinished } from "../../kinds/pod-state.js";
import { SCTP_CONDITION, speaksSctp } from "../../kinds/sctp.js";
import { TallshipError } from "../../lib/errors.js";
import { addressOn, type Place } from "../../net/proxy/endpoint-choice.js";
import { elementsOf, endpointsOf, frontKey, planFront } from "../../net/proxy/proxy-elements.js";
import { type ServiceTarget, targetsOf } from "../../net/proxy/service-targets.js";
import type { Endpoint, EndpointSlice } from "../../proto/gen/tallship/v1/endpointslice.js";
import {
  type TracedEndpoint,
  type TracedFront,
  type TraceRequest,
  TraceResponse,
} from "../../proto/gen/tallship/v1/explain.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import type { Service, ServicePort } from "../../proto/gen/tallship/v1/service.js";
import type { View } from "../cache/view.js";
import {
  apartText,
  clientNetworks,
  elsewhereText,
  type NameAsker,
  namedAddresses,
  networkOfAddress,
} from "./trace-networks.js";
import { type PolicyJudge, policyJudge } from "./trace-policies.js";
import { type SeenClients, seenClients, type TracedClient, type TracedWay } from "./trace-source.js";

const ZONE = "topology.kubernetes.io/zone";
const FAMILIES = ["IPv4", "IPv6"] as const;

const SLICE_LABEL = "kubernetes.io/service-name";

/**
 * Where a client's packets to a service go, decided by the very functions by which its node fills its maps; and of each endpoint
 * that gets none, why. Clients are pods and hosts: of those from outside, who may be led otherwise, it is told whether they keep their addresses.
 */
export function traceOf(view: View, request: TraceRequest): TraceResponse {
  const client = clientOf(view, request);
  const { serviceNamespace, service: name } = request;
  const service = view.get("Service", serviceNamespace, name);
  if (service === undefined) throw missing(`Service/${serviceNamespace}/${name}`);
  const slices = view
    .withLabels("EndpointSlice", serviceNamespace, { [SLICE_LABEL]: name })
    .map(({ object }) => object);
  const zone = metaOf(view.get("Node", "", client.node) ?? {}).labels[ZONE] ?? "";
  const place = { nodeName: client.node, zone };
  const judge = policyJudge(view, client.pod);
  const networks = clientNetworks(client.pod, serviceNamespace);
  const fronts = FAMILIES.flatMap((family) => {
    const targets = targetsOf(service, slices, { ...place, family });
    const asked = targets.filter((target) => isAsked(portOf(service, target), request.port));
    const ground = {
      service,
      slices: slices.filter(({ addressType }) => addressType === family),
      place,
      judge,
      networks,
      seen: (way: TracedWay) => seenClients(view, client, way),
    };
    return asked.map((target) => frontOf(target, ground));
  });
  return TraceResponse.fromPartial({
    node: client.node,
    address: client.address,
    problems: [
      ...client.problems,
      ...sctpProblems(view, service, client.node),
      ...problemsOf(view, service, slices, request.port),
    ],
    names: namesOf(service, slices, { nodeName: client.node, networks }),
    fronts,
  });
}

interface TraceClient extends TracedClient {
  readonly problems: readonly string[];
}

function clientOf(view: View, { namespace, pod: name, node }: TraceRequest): TraceClient {
  if (name === "") {
    const found = view.get("Node", "", node);
    if (found === undefined) throw missing(`Node/${node}`);
    const address = found.status?.addresses.find(({ type }) => type === "InternalIP")?.address ?? "";
    return { pod: undefined, node, address, problems: [] };
  }
  const pod = view.get("Pod", namespace, name);
  if (pod === undefined) throw missing(`Pod/${namespace}/${name}`);
  return { pod, node: pod.spec?.nodeName ?? "", address: pod.status?.podIP ?? "", problems: podProblems(pod) };
}

function podProblems(pod: Pod): readonly string[] {
  const { spec, status } = pod;
  if ((spec?.nodeName ?? "") === "") return ["the pod has no node yet: it cannot send anything"];
  if (isPodFinished(pod)) return [`the pod has ended (${status?.phase}): it sends nothing`];
  return (status?.podIP ?? "") === "" ? ["the pod has no address yet: it cannot send anything"] : [];
}

function missing(what: string): TallshipError {
  return new TallshipError("not_found", `trace to a service: there is no ${what}`);
}

function portOf({ spec }: Service, target: ServiceTarget): ServicePort | undefined {
  const isSame = (each: ServicePort): boolean => (each.protocol || "TCP").toLowerCase() === target.protocol;
  const number = target.kind === "node" ? "nodePort" : "port";
  return spec?.ports.find((each) => isSame(each) && each[number] === target.port);
}

function isAsked(port: ServicePort | undefined, wanted: string): boolean {
  return wanted === "" || port?.name === wanted || String(port?.port) === wanted;
}

function sctpProblems(view: View, service: Service, node: string): readonly string[] {
  const isLacking = isConditionTrue(view.get("Node", "", node)?.status?.conditions, SCTP_CONDITION);
  if (!isLacking || !speaksSctp(service)) return [];
  return [`the kernel of node ${node} does not track connections of SCTP: they are not led to the service`];
}

function problemsOf(view: View, service: Service, slices: readonly EndpointSlice[], port: string): readonly string[] {
  const { spec } = service;
  if (spec?.type === "ExternalName") return [];
  const problems: string[] = [];
  if (port !== "" && !spec?.ports.some((each) => isAsked(each, port)))
    problems.push(`the service has no port ${port}: packets to it are refused`);
  if (slices.some(({ endpoints }) => endpoints.length > 0)) return problems;
  const selector = spec?.selector ?? {};
  if (Object.keys(selector).length === 0)
    return [...problems, "the service selects no pods, and nobody has written an EndpointSlice for it"];
  const { namespace } = metaOf(service);
  const count = view.withLabels("Pod", namespace, selector).length;
  const why =
    count === 0 ? "no pod has the labels that it selects" : `none of the ${count} pods that it selects has an address`;
  return [...problems, `the service has no endpoints: ${why}`];
}

/** What the name of a service leads the client to. */
function namesOf(service: Service, slices: readonly EndpointSlice[], asker: NameAsker): readonly string[] {
  if (service.spec?.type === "ExternalName") return [service.spec.externalName];
  return namedAddresses(service, slices, asker);
}

interface TraceGround {
  readonly service: Service;
  readonly slices: readonly EndpointSlice[];
  readonly place: Place;
  readonly judge: PolicyJudge;
  /** Of the client; undefined: it reaches all. */
  readonly networks: readonly string[] | undefined;
  readonly seen: (way: TracedWay) => SeenClients;
}

function frontOf(target: ServiceTarget, ground: TraceGround): TracedFront {
  const port = portOf(ground.service, target);
  const planned = planFront(target, undefined);
  const map = target.kind === "node" ? "node-ports" : "services";
  const network = target.kind === "cluster" ? networkOfAddress(ground.service, target.ip) : undefined;
  const verdict = [...elementsOf(planned)].find((element) => element.map === map)?.value;
  const shares = new Map<string, number>();
  for (const slot of planned.slots) shares.set(slot, (shares.get(slot) ?? 0) + 1);
  const shareOf = (ip: string, number: number): number =>
    Math.round(((shares.get(`${ip} . ${number}`) ?? 0) * 1_000) / Math.max(1, planned.slots.length));
  const isChosen = (ip: string, number: number): boolean =>
    endpointsOf({ ...planned, outsideSlots: [] }).has(`${ip} . ${number}`);
  return {
    kind: target.kind,
    protocol: target.protocol,
    ip: target.ip,
    port: target.port,
    name: port?.name ?? "",
    network: network ?? "",
    element: verdict === undefined ? "" : `${map} { ${frontKey(target)} : ${verdict} }`,
    endpoints: ground.slices.flatMap((slice) => {
      const number = slice.ports.find(
        ({ name, protocol }) => name === (port?.name ?? "") && (protocol || "TCP").toLowerCase() === target.protocol,
      )?.port;
      return slice.endpoints.map((endpoint): TracedEndpoint => {
        const there = addressOn(endpoint, network);
        const ip = there ?? endpoint.addresses[0] ?? "";
        const at = number ?? 0;
        const refused = { ...ground, target, number, slice };
        const elsewhere = elsewhereText(endpoint, { place: ground.place, network });
        const refusal = isChosen(ip, at) ? "" : elsewhere || refusalOf(endpoint, refused);
        const { name = "", uid = "" } = endpoint.targetRef?.kind === "Pod" ? endpoint.targetRef : {};
        const node = endpoint.nodeName;
        const flow = { protocol: target.protocol, to: ip, port: at, uid, node };
        const blocked = refusal === "" ? apartText(endpoint, ip, ground.networks) || ground.judge(flow) : "";
        const isOpen = target.kind !== "cluster";
        const seen = refusal === "" ? ground.seen({ endpoint, ip, isOpen }) : UNSEEN;
        return { ip, port: at, pod: name, node, refusal, share: shareOf(ip, at), blocked, ...seen };
      });
    }),
  };
}

const UNSEEN: SeenClients = { seenAs: "", hiddenWhy: "", outsideHiddenWhy: "" };

interface RefusalGround extends TraceGround {
  readonly target: ServiceTarget;
  readonly number: number | undefined;
  readonly slice: EndpointSlice;
}

/** Why an endpoint gets no connections: the first thing that keeps it from them. */
function refusalOf({ conditions, nodeName }: Endpoint, ground: RefusalGround): string {
  const { service, target, number, place } = ground;
  if (number === undefined) return "it has no container port of the name that the service targets";
  if (conditions?.terminating === true)
    return conditions.serving === true
      ? "it is going, and others are ready"
      : "it is going and does not answer any more";
  if (conditions?.ready === false) return "it is not ready";
  const isLocal = target.kind === "cluster" && service.spec?.internalTrafficPolicy === "Local";
  if (isLocal && nodeName !== place.nodeName) return "on another node (internalTrafficPolicy Local)";
  const preference = service.spec?.trafficDistribution ?? "";
  if (preference !== "") return `farther away than others (trafficDistribution ${preference})`;
  return target.affinitySeconds > 0
    ? "another port of its address is kept for clients"
    : "there are more endpoints than a node holds";
}
