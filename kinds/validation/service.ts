import type { Service, ServicePort, ServiceSpec } from "../../proto/gen/tallship/v1/service.js";
import { formatError } from "../formats.js";
import { isIpv6, specialRange } from "../ip.js";
import {
  isExternallyAccessible,
  needsHealthCheck,
  nodePortError,
  nodePortSpan,
  opensNodePorts,
} from "../node-ports.js";
import { TOPOLOGY_ANNOTATIONS } from "../service-annotations.js";
import type { Findings } from "./findings.js";

/** Ports, addresses and types that go together, as Kubernetes has them, in its words. What it takes is taken, with effect or without. */
export function checkService(service: Service, findings: Findings, previous: Service | undefined): void {
  const { spec } = service;
  if (spec === undefined) {
    findings.add("required", ["spec"], "this field is required");
    return;
  }
  checkAnnotations(service, findings);
  checkPorts(service, spec, findings);
  checkAddresses(spec, findings, previous?.spec);
  checkFamilies(spec, findings);
  if (spec.sessionAffinity !== "ClientIP" && spec.sessionAffinityConfig !== undefined)
    findings.add("forbidden", ["spec", "sessionAffinityConfig"], "must not be set when session affinity is None");
  checkOutside(spec, findings, previous?.spec);
}

function checkAnnotations({ metadata }: Service, findings: Findings): void {
  const [newer, older] = TOPOLOGY_ANNOTATIONS;
  const { annotations = {} } = metadata ?? {};
  const [said, before] = [annotations[newer], annotations[older]];
  if (said !== undefined && before !== undefined && said !== before)
    findings.add(
      "invalid",
      ["metadata", "annotations", newer],
      `must match annotations[${older}] when both are specified`,
    );
}

/** What only services that are reached from outside can have. */
function checkOutside(spec: ServiceSpec, findings: Findings, previous: ServiceSpec | undefined): void {
  if (spec.type !== "LoadBalancer")
    for (const name of ["loadBalancerClass", "loadBalancerSourceRanges", "allocateLoadBalancerNodePorts"] as const)
      if (isSet(spec[name]))
        findings.add("forbidden", ["spec", name], "may only be used when `type` is 'LoadBalancer'");
  if (
    previous?.type === "LoadBalancer" &&
    spec.type === "LoadBalancer" &&
    spec.loadBalancerClass !== previous.loadBalancerClass
  )
    findings.add("immutable", ["spec", "loadBalancerClass"], "may not change once set");
  if (spec.externalTrafficPolicy !== "" && !isExternallyAccessible(spec))
    findings.add(
      "invalid",
      ["spec", "externalTrafficPolicy"],
      `may only be set for externally-accessible services, found ${JSON.stringify(spec.externalTrafficPolicy)}`,
    );
  checkHealthCheck(spec, findings, previous);
  for (const [index, address] of spec.externalIPs.entries()) {
    const range = specialRange(address);
    if (range !== undefined)
      findings.add("invalid", ["spec", "externalIPs", index], `may not be in the ${range} range, found ${address}`);
  }
}

function isSet(value: string | readonly string[] | boolean | undefined): boolean {
  return typeof value === "boolean" || (value !== undefined && value.length > 0);
}

function checkHealthCheck(spec: ServiceSpec, findings: Findings, previous: ServiceSpec | undefined): void {
  const { healthCheckNodePort: port, ports } = spec;
  const path = ["spec", "healthCheckNodePort"];
  if (port === 0) return;
  if (!needsHealthCheck(spec))
    findings.add(
      "invalid",
      path,
      `may only be set when \`type\` is 'LoadBalancer' and \`externalTrafficPolicy\` is 'Local', found ${port}`,
    );
  const before = previous !== undefined && needsHealthCheck(previous) ? previous.healthCheckNodePort : 0;
  if (before !== 0 && before !== port) findings.add("immutable", path, `field is immutable, it was ${before}`);
  if (ports.some(({ nodePort, protocol }) => nodePort === port && (protocol || "TCP") === "TCP"))
    findings.add("duplicate", path, `${port} is a node port of the service too`);
}

function checkAddresses(spec: ServiceSpec, findings: Findings, previous: ServiceSpec | undefined): void {
  const { type, clusterIP, clusterIPs } = spec;
  const [first = clusterIP] = clusterIPs;
  if (first !== clusterIP)
    findings.add(
      "invalid",
      ["spec", "clusterIPs"],
      `first value must match \`clusterIP\`, found ${JSON.stringify(first)} and ${JSON.stringify(clusterIP)}`,
    );
  for (const [index, address] of clusterIPs.entries()) {
    const wrong = address === "None" && index > 0 ? "must be a valid IP address" : formatError("clusterIP", address);
    if (wrong !== undefined)
      findings.add("invalid", ["spec", "clusterIPs", index], `${wrong}, found ${JSON.stringify(address)}`);
  }
  if (first === "None" && clusterIPs.length > 1)
    findings.add("invalid", ["spec", "clusterIPs"], "'None' must be the first and only value");
  if (type === "ExternalName") {
    checkExternalName(spec, findings);
    return;
  }
  if (clusterIP === "None" && type !== "ClusterIP")
    findings.add("invalid", ["spec", "clusterIPs", 0], `may not be set to 'None' for ${type} services`);
  const before = previous?.clusterIP ?? "";
  if (before !== "" && previous?.type !== "ExternalName" && clusterIP !== before)
    findings.add("immutable", ["spec", "clusterIPs", 0], `may not change once set, it was ${before}`);
}

function checkExternalName(spec: ServiceSpec, findings: Findings): void {
  if (spec.externalName === "")
    findings.add("required", ["spec", "externalName"], "type ExternalName needs this field");
  const forbid = (name: string): void =>
    findings.add("forbidden", ["spec", name], "may not be set for ExternalName services");
  if (spec.clusterIP !== "" || spec.clusterIPs.length > 0) forbid("clusterIPs");
  if (spec.ipFamilies.length > 0) forbid("ipFamilies");
  if (spec.ipFamilyPolicy !== "") forbid("ipFamilyPolicy");
}

/** One address and one family each, two of them only where the policy is for two. Whether the cluster has both the server says. */
function checkFamilies({ ipFamilyPolicy, ipFamilies, clusterIPs }: ServiceSpec, findings: Findings): void {
  const isSingle = ipFamilyPolicy === "" || ipFamilyPolicy === "SingleStack";
  for (const [name, values, words] of [
    ["ipFamilies", ipFamilies, "IP families"],
    ["clusterIPs", clusterIPs, "cluster IPs"],
  ] as const) {
    if (values.length > 2)
      findings.add("invalid", ["spec", name], `may only hold up to 2 values, found ${values.length}`);
    if (values.length > 1 && isSingle)
      findings.add(
        "invalid",
        ["spec", "ipFamilyPolicy"],
        `must be 'RequireDualStack' or 'PreferDualStack' when multiple ${words} are specified, found "${ipFamilyPolicy || "SingleStack"}"`,
      );
  }
  findings.unique(ipFamilies, (index) => ["spec", "ipFamilies", index]);
  const families = clusterIPs
    .filter((address) => address !== "None")
    .map((address) => (isIpv6(address) ? "IPv6" : "IPv4"));
  if (families[0] !== undefined && families[0] === families[1])
    findings.add(
      "invalid",
      ["spec", "clusterIPs", 1],
      `may specify no more than one IP for each IP family, found two of ${families[0]}`,
    );
  for (const [index, family] of families.entries())
    if (ipFamilies[index] !== undefined && ipFamilies[index] !== family)
      findings.add(
        "invalid",
        ["spec", "clusterIPs", index],
        `expected an ${ipFamilies[index]} value as indicated by \`ipFamilies[${index}]\`, found ${clusterIPs[index]}`,
      );
}

function checkPorts({ metadata }: Service, spec: ServiceSpec, findings: Findings): void {
  const { ports, type } = spec;
  const needsPorts = type !== "ExternalName" && spec.clusterIP !== "None";
  if (needsPorts && ports.length === 0)
    findings.add("required", ["spec", "ports"], "a service with an address has a port");
  const span = nodePortSpan(metadata?.annotations);
  for (const [index, port] of ports.entries()) checkPort(port, { type, span }, ["spec", "ports", index], findings);
  const at = (field: string) => (index: number) => ["spec", "ports", index, field];
  if (ports.length > 1)
    for (const [index, port] of ports.entries())
      if (port.name === "") findings.add("required", at("name")(index), "each of several ports has a name");
  findings.unique(
    ports.map(({ name }) => name),
    at("name"),
  );
  findings.unique(
    ports.map(({ protocol, port }) => `${port}/${protocol || "TCP"}`),
    at("port"),
  );
  findings.unique(
    ports.map(({ protocol, nodePort }) => (nodePort === 0 ? "" : `${nodePort}/${protocol || "TCP"}`)),
    at("nodePort"),
  );
}

function checkPort(
  port: ServicePort,
  { type, span }: { readonly type: string; readonly span: ReturnType<typeof nodePortSpan> },
  path: readonly (string | number)[],
  findings: Findings,
): void {
  const target = port.targetPort?.value;
  const wrongName = target?.$case === "strVal" ? formatError("portName", target.value) : undefined;
  if (wrongName !== undefined) findings.add("invalid", [...path, "targetPort"], wrongName);
  if (target?.$case === "intVal" && (target.value < 1 || target.value > 65_535))
    findings.add("invalid", [...path, "targetPort"], `want 1 to 65535, found ${target.value}`);
  if (port.nodePort === 0) return;
  if (type === "ClusterIP")
    findings.add("forbidden", [...path, "nodePort"], "may not be used when `type` is 'ClusterIP'");
  const wrongPort = opensNodePorts(type) ? nodePortError(port.nodePort, span) : undefined;
  if (wrongPort !== undefined) findings.add("invalid", [...path, "nodePort"], wrongPort);
}
