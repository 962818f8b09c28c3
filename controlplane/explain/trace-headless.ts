import { addressOn, isReady } from "../../net/proxy/endpoint-choice.js";
import type { Endpoint } from "../../proto/gen/tallship/v1/endpointslice.js";
import type { TracedEndpoint, TracedFront } from "../../proto/gen/tallship/v1/explain.js";
import type { ServicePort } from "../../proto/gen/tallship/v1/service.js";
import { isAsked, numberIn, type TraceGround, UNSEEN } from "./trace-ground.js";
import { apartText, elsewhereText } from "./trace-networks.js";

/** A way to the pods of a headless service. */
interface Way {
  /** Undefined: none of the service's, which may name none. */
  readonly port: ServicePort | undefined;
  /** The number that the client sends to, where it is said. */
  readonly number: number | undefined;
}

/** The ways to a headless service: no node leads there, its name stands for the pods, and they are asked at whatever port the client says. */
export function headlessFronts(ground: TraceGround, wanted: string): readonly TracedFront[] {
  if (ground.slices.every(({ endpoints }) => endpoints.length === 0)) return [];
  return waysOf(ground.service.spec?.ports ?? [], wanted).map((way) => frontOf(way, ground));
}

function waysOf(ports: readonly ServicePort[], wanted: string): readonly Way[] {
  const number = /^\d+$/.test(wanted) ? Number(wanted) : undefined;
  const asked = ports.filter((port) => isAsked(port, wanted));
  if (asked.length > 0) return asked.map((port) => ({ port, number }));
  return wanted === "" || number !== undefined ? [{ port: undefined, number }] : [];
}

function frontOf(way: Way, ground: TraceGround): TracedFront {
  const { port, number } = way;
  const endpoints = ground.slices.flatMap((slice) =>
    slice.endpoints.map((endpoint) => endpointOf(endpoint, number ?? numberIn(slice, port), way, ground)),
  );
  const led = endpoints.filter(({ refusal }) => refusal === "").length;
  return {
    kind: "headless",
    protocol: protocolOf(port),
    ip: "",
    port: number ?? port?.port ?? 0,
    name: port?.name ?? "",
    element: "",
    endpoints: endpoints.map((each) => ({ ...each, share: each.refusal === "" ? Math.round(1_000 / led) : 0 })),
    network: "",
    outsideRefusal: "",
    notes: untranslated(way, ground),
  };
}

function protocolOf(port: ServicePort | undefined): string {
  return (port?.protocol || "TCP").toLowerCase();
}

/** A port that only its number in the service names is another one in the pods: who has a service without an address in mind as one with an address finds nobody there. */
function untranslated({ port, number }: Way, { slices }: TraceGround): string[] {
  if (port === undefined || number === undefined) return [];
  const others = new Set(slices.flatMap((slice) => numberIn(slice, port) ?? []).filter((each) => each !== number));
  if (others.size === 0) return [];
  return [`a headless service translates no ports: its pods are asked at ${number}, and say ${[...others].join(", ")}`];
}

function endpointOf(
  endpoint: Endpoint,
  number: number | undefined,
  { port }: Way,
  ground: TraceGround,
): Omit<TracedEndpoint, "share"> {
  const network = ground.networks?.find((each) => addressOn(endpoint, each) !== undefined);
  const ip = addressOn(endpoint, network) ?? "";
  const { name = "", uid = "" } = endpoint.targetRef?.kind === "Pod" ? endpoint.targetRef : {};
  const node = endpoint.nodeName;
  const refusal = unnamedText(endpoint) || elsewhereText(endpoint, { place: ground.place, network });
  const flow = { protocol: protocolOf(port), to: ip, port: number ?? 0, uid, node };
  // Of a port that nobody says policies cannot be asked.
  const judged = number === undefined ? "" : ground.judge(flow);
  const blocked = refusal === "" ? apartText(endpoint, ip, ground.networks) || judged : "";
  const seen = refusal === "" ? ground.seen({ endpoint, ip, isOpen: false }) : UNSEEN;
  return { ip, port: number ?? 0, pod: name, node, refusal, blocked, ...seen };
}

/** Why the name does not stand for an endpoint; empty when it does. */
function unnamedText(endpoint: Endpoint): string {
  if (isReady(endpoint)) return "";
  return endpoint.conditions?.terminating === true ? "it is going" : "it is not ready";
}
