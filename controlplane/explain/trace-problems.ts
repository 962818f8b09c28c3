import { metaOf } from "../../kinds/object.js";
import { isConditionTrue } from "../../kinds/pod-state.js";
import { SCTP_CONDITION, speaksSctp } from "../../kinds/sctp.js";
import type { EndpointSlice } from "../../proto/gen/tallship/v1/endpointslice.js";
import type { TracedFront } from "../../proto/gen/tallship/v1/explain.js";
import type { Service } from "../../proto/gen/tallship/v1/service.js";
import type { View } from "../cache/view.js";
import { isAsked } from "./trace-ground.js";

/** Why a node's kernel leads nobody to a service that speaks SCTP. */
export function sctpProblems(view: View, service: Service, node: string): readonly string[] {
  const isLacking = isConditionTrue(view.get("Node", "", node)?.status?.conditions, SCTP_CONDITION);
  if (!isLacking || !speaksSctp(service)) return [];
  return [`the kernel of node ${node} does not track connections of SCTP: they are not led to the service`];
}

/** What a service lacks for connections to any client to come of it. */
export function serviceProblems(
  view: View,
  service: Service,
  slices: readonly EndpointSlice[],
  port: string,
): readonly string[] {
  const { spec } = service;
  if (spec?.type === "ExternalName") return [];
  const problems = portProblems(service, port);
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

/** Pods of a headless service are asked at any number. */
function portProblems({ spec }: Service, wanted: string): readonly string[] {
  const ports = spec?.ports ?? [];
  const isAnywhere = spec?.clusterIP === "None" && /^\d+$/.test(wanted);
  if (isAnywhere || wanted === "" || ports.some((port) => isAsked(port, wanted))) return [];
  const names = ports.map(({ name, port }) => (name === "" ? `${port}` : `${port} (${name})`));
  return [`the service has no port ${wanted}: packets to it are refused; its ports are ${names.join(", ") || "none"}`];
}

/** Why no connection comes to anything, when that holds of every endpoint that there is; none while one takes them. */
export function hopelessness(fronts: readonly TracedFront[]): readonly string[] {
  const endpoints = fronts.flatMap((front) => front.endpoints);
  const led = endpoints.filter(({ refusal }) => refusal === "");
  if (endpoints.length === 0 || led.some(({ blocked }) => blocked === "")) return [];
  const reasons = new Set(led.length > 0 ? led.map(({ blocked }) => blocked) : endpoints.map(({ refusal }) => refusal));
  const what = led.length > 0 ? "every connection is dropped" : "no endpoint takes connections";
  return [`${what}: ${[...reasons].join("; ")}`];
}
