import type { Service, ServicePort, ServiceSpec } from "../../proto/gen/tallship/v1/service.js";
import { formatError } from "../formats.js";
import { isIpv6, specialRange } from "../ip.js";
import { needsHealthCheck, nodePortError, nodePortSpan } from "../node-ports.js";
import type { Findings } from "./findings.js";

/** Ports, addresses and types that go together, as Kubernetes has them. */
export function checkService(service: Service, findings: Findings, previous: Service | undefined): void {
  const { spec } = service;
  if (spec === undefined) {
    findings.add("required", ["spec"], "this field is required");
    return;
  }
  checkPorts(service, spec, findings);
  checkAddresses(spec, findings, previous?.spec);
  checkFamilies(spec, findings);
  if (spec.sessionAffinity !== "ClientIP" && spec.sessionAffinityConfig !== undefined)
    findings.add("forbidden", ["spec", "sessionAffinityConfig"], "only with sessionAffinity ClientIP");
  checkOutside(spec, findings, previous?.spec);
}

/** What only services that are reached from outside can have. */
function checkOutside(spec: ServiceSpec, findings: Findings, previous: ServiceSpec | undefined): void {
  if (spec.type !== "LoadBalancer")
    for (const name of ["loadBalancerIP", "loadBalancerClass", "loadBalancerSourceRanges"] as const)
      if (spec[name].length > 0) findings.add("forbidden", ["spec", name], "only for type LoadBalancer");
  if (
    previous?.type === "LoadBalancer" &&
    spec.type === "LoadBalancer" &&
    spec.loadBalancerClass !== previous.loadBalancerClass
  )
    findings.add("immutable", ["spec", "loadBalancerClass"], "cannot be changed while the type is LoadBalancer");
  checkHealthCheck(spec, findings, previous);
  for (const [index, address] of spec.externalIPs.entries()) {
    const range = specialRange(address);
    if (range !== undefined)
      findings.add("invalid", ["spec", "externalIPs", index], `may not be in the ${range} range, found ${address}`);
  }
}

function checkHealthCheck(spec: ServiceSpec, findings: Findings, previous: ServiceSpec | undefined): void {
  const { healthCheckNodePort: port, ports } = spec;
  const path = ["spec", "healthCheckNodePort"];
  if (port === 0) return;
  if (!needsHealthCheck(spec))
    findings.add("forbidden", path, "only for type LoadBalancer with externalTrafficPolicy Local");
  const before = previous?.healthCheckNodePort ?? 0;
  if (before !== 0 && before !== port) findings.add("immutable", path, `cannot be changed from ${before}`);
  if (ports.some(({ nodePort, protocol }) => nodePort === port && (protocol || "TCP") === "TCP"))
    findings.add("duplicate", path, `${port} is a node port of the service too`);
}

function checkAddresses(spec: ServiceSpec, findings: Findings, previous: ServiceSpec | undefined): void {
  const isHeadless = spec.clusterIP === "None";
  const [first = spec.clusterIP] = spec.clusterIPs;
  if (first !== spec.clusterIP)
    findings.add(
      "invalid",
      ["spec", "clusterIPs", 0],
      `want ${spec.clusterIP || "nothing"}, as clusterIP says, found ${first}`,
    );
  for (const [index, address] of spec.clusterIPs.entries()) {
    const wrong = formatError("clusterIP", address);
    if (wrong !== undefined)
      findings.add("invalid", ["spec", "clusterIPs", index], `${wrong}, found ${JSON.stringify(address)}`);
  }
  if (spec.type === "ExternalName") {
    if (spec.externalName === "")
      findings.add("required", ["spec", "externalName"], "type ExternalName needs this field");
    if (spec.clusterIP !== "") findings.add("forbidden", ["spec", "clusterIP"], "type ExternalName has no address");
    return;
  }
  if (isHeadless && spec.type !== "ClusterIP")
    findings.add("invalid", ["spec", "clusterIP"], `type ${spec.type} needs an address, found "None"`);
  const before = previous?.clusterIP ?? "";
  if (before !== "" && previous?.type !== "ExternalName" && spec.clusterIP !== before)
    findings.add("immutable", ["spec", "clusterIP"], `cannot be changed from ${before}`);
}

/** One address and one family each, two of them only where the policy is for two. Whether the cluster has both the server says. */
function checkFamilies({ ipFamilyPolicy, ipFamilies, clusterIPs }: ServiceSpec, findings: Findings): void {
  const isSingle = ipFamilyPolicy === "" || ipFamilyPolicy === "SingleStack";
  for (const [name, values] of [["ipFamilies", ipFamilies] as const, ["clusterIPs", clusterIPs] as const]) {
    if (values.length > 2)
      findings.add("invalid", ["spec", name], `may only hold up to 2 values, found ${values.length}`);
    if (values.length > 1 && isSingle)
      findings.add(
        "invalid",
        ["spec", "ipFamilyPolicy"],
        `must be RequireDualStack or PreferDualStack when multiple ${name} are specified, found "${ipFamilyPolicy || "SingleStack"}"`,
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
  const wrongPort = nodePortError(port.nodePort, span);
  if (type !== "NodePort" && type !== "LoadBalancer")
    findings.add("forbidden", [...path, "nodePort"], `type ${type} has no node ports`);
  else if (wrongPort !== undefined) findings.add("invalid", [...path, "nodePort"], wrongPort);
}
