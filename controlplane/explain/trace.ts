import { metaOf } from "../../kinds/object.js";
import { isPodFinished } from "../../kinds/pod-state.js";
import { topologyAsked } from "../../kinds/service-annotations.js";
import { TallshipError } from "../../lib/errors.js";
import { addressOn, isReady } from "../../net/proxy/endpoint-choice.js";
import { elementsOf, endpointsOf, frontKey, planFront } from "../../net/proxy/proxy-elements.js";
import { networkOfFront, type ServiceTarget, targetsOf } from "../../net/proxy/service-targets.js";
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
import { isAsked, numberIn, type TraceGround, UNSEEN } from "./trace-ground.js";
import { headlessFronts } from "./trace-headless.js";
import { apartText, clientNetworks, elsewhereText, type NameAsker, namedAddresses } from "./trace-networks.js";
import { notesOf } from "./trace-notes.js";
import { policyJudge } from "./trace-policies.js";
import { hopelessness, sctpProblems, serviceProblems } from "./trace-problems.js";
import { seenClients, type TracedClient, type TracedWay } from "./trace-source.js";

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
  const judge = policyJudge(view, client);
  const networks = clientNetworks(client.pod, serviceNamespace);
  const fronts = FAMILIES.flatMap((family) => {
    const ground = {
      service,
      slices: slices.filter(({ addressType }) => addressType === family),
      place,
      judge,
      networks,
      seen: (way: TracedWay) => seenClients(view, client, way),
      podNamed: (pod: string) => view.get("Pod", serviceNamespace, pod),
    };
    if (service.spec?.clusterIP === "None") return headlessFronts(ground, request.port);
    const targets = targetsOf(service, slices, { ...place, family });
    const asked = targets.filter((target) => isAsked(portOf(service, target), request.port));
    return asked.map((target) => frontOf(target, ground));
  });
  return TraceResponse.fromPartial({
    node: client.node,
    address: client.address,
    problems: [
      ...client.problems,
      ...sctpProblems(view, service, client.node),
      ...serviceProblems(view, service, slices, request.port),
      ...hopelessness(fronts),
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

/** What the name of a service leads the client to. */
function namesOf(service: Service, slices: readonly EndpointSlice[], asker: NameAsker): readonly string[] {
  if (service.spec?.type === "ExternalName") return [service.spec.externalName];
  return namedAddresses(service, slices, asker);
}

function frontOf(target: ServiceTarget, ground: TraceGround): TracedFront {
  const port = portOf(ground.service, target);
  const planned = planFront(target, undefined);
  const map = target.kind === "node" ? "node-ports" : "services";
  const network = target.kind === "cluster" ? networkOfFront(ground.service, target.ip, ground.slices) : undefined;
  const verdict = [...elementsOf(planned)].find((element) => element.map === map)?.value;
  const shares = new Map<string, number>();
  for (const slot of planned.slots) shares.set(slot, (shares.get(slot) ?? 0) + 1);
  const shareOf = (ip: string, number: number): number =>
    Math.round(((shares.get(`${ip} . ${number}`) ?? 0) * 1_000) / Math.max(1, planned.slots.length));
  const isChosen = (ip: string, number: number): boolean =>
    endpointsOf({ ...planned, outsideSlots: [] }).has(`${ip} . ${number}`);
  const endpoints = ground.slices.flatMap((slice) => {
    const number = numberIn(slice, port);
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
      const isOpen = target.kind !== "cluster" && isLedFromOutside(target, ip, at);
      const seen = refusal === "" ? ground.seen({ endpoint, ip, isOpen }) : UNSEEN;
      return { ip, port: at, pod: name, node, refusal, share: shareOf(ip, at), blocked, ...seen };
    });
  });
  return {
    kind: target.kind,
    protocol: target.protocol,
    ip: target.ip,
    port: target.port,
    name: port?.name ?? "",
    network: network ?? "",
    element: verdict === undefined ? "" : `${map} { ${frontKey(target)} : ${verdict} }`,
    outsideRefusal: outsideRefusal(target, port, ground),
    notes: notesOf(target, endpoints, ground),
    endpoints,
  };
}

/** Whether strangers who ask the client's node are led to an endpoint, as far as their policy goes. */
function isLedFromOutside({ outside }: ServiceTarget, ip: string, port: number): boolean {
  return outside === undefined || outside.some((each) => each.ip === ip && each.port === port);
}

/** Why strangers who ask the client's node are led to nobody; empty: they are led, or the front is not for them. */
function outsideRefusal({ outside }: ServiceTarget, port: ServicePort | undefined, ground: TraceGround): string {
  if (outside === undefined || outside.length > 0) return "";
  const there = ground.slices
    .filter((slice) => numberIn(slice, port) !== undefined)
    .flatMap(({ endpoints }) => endpoints.filter(isReady).map(({ nodeName }) => nodeName));
  const nodes = [...new Set(there)].filter((name) => name !== "").sort();
  const named = nodes.slice(0, NODES_NAMED).join(", ");
  const more = nodes.length > NODES_NAMED ? ` and ${nodes.length - NODES_NAMED} more` : "";
  const others = nodes.length === 0 ? "no node has any" : `there are some on ${named}${more}`;
  return `it has no endpoint that is ready (externalTrafficPolicy Local), and ${others}`;
}

/** So many nodes are named; of more there is the number. */
const NODES_NAMED = 4;

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
  const preference = preferenceOf(service);
  if (preference !== "") return `farther away than others (${preference})`;
  return target.affinitySeconds > 0
    ? "another port of its address is kept for clients"
    : "there are more endpoints than a node holds";
}

/** What has endpoints preferred that are near; empty: nothing. */
function preferenceOf({ metadata, spec }: Service): string {
  const distribution = spec?.trafficDistribution ?? "";
  return (
    topologyAsked(metadata?.annotations ?? {}) ?? (distribution === "" ? "" : `trafficDistribution ${distribution}`)
  );
}
