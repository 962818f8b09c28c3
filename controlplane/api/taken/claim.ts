import { needsHealthCheck, nodePortError, nodePortSpan, opensNodePorts } from "../../../kinds/node-ports.js";
import type { FieldError } from "../../../kinds/validation/findings.js";
import { TallshipError } from "../../../lib/errors.js";
import type { Rng } from "../../../lib/rng.js";
import type { Family } from "../../../net/family.js";
import type { Service, ServicePort, ServiceSpec } from "../../../proto/gen/tallship/v1/service.js";
import type { Check, Write } from "../../store/store.js";
import type { Reads } from "../write/reads.js";
import { type Refusal, refuse } from "../write/task.js";
import { externalErrors } from "./external-addresses.js";
import { holderRecord, holdingOf } from "./holder.js";
import type { ClusterCIDRs } from "./network-ranges.js";
import { type Picked, pick } from "./pick.js";
import { type AddressRanges, addressPool, familiesFor, familyErrors } from "./service-families.js";
import { TAKEN_RANGES, takenBy, takenNodePort } from "./taken-keys.js";

/** What services may be given. */
export interface ServiceRanges extends AddressRanges, ClusterCIDRs {
  readonly nodePortMin: number;
  readonly nodePortMax: number;
}

/** A service with its address and ports, and what its transaction checks and writes for them; or why it cannot have them. */
export type Claim =
  | {
      readonly is: "granted";
      readonly service: Service;
      readonly checks: readonly Check[];
      readonly writes: readonly Write[];
    }
  | { readonly is: "invalid"; readonly errors: readonly FieldError[] }
  | Refusal;

/** What a claim is decided with. */
export interface ClaimContext {
  readonly reads: Reads;
  readonly rng: Rng;
  readonly ranges: ServiceRanges;
}

/**
 * Gives a service the address and node ports that it lacks, claims those that it names and releases those that it no longer holds. Each value has a
 * record that is checked and written in the service's own transaction: a value is never held twice. A record whose holder is gone
 * is taken over, so that nothing leaks for ever.
 */
export function claimFor(service: Service, live: Service | undefined, context: ClaimContext): Claim {
  const ground = { view: context.reads.view, cluster: context.ranges };
  const errors = [...rangeErrors(service, context.ranges), ...externalErrors(service, live, ground)];
  if (errors.length > 0) return { is: "invalid", errors };
  const filled = fill(service, context);
  return filled.is === "refuse" ? filled : grant(filled.service, live, context.reads);
}

function grant(service: Service, live: Service | undefined, reads: Reads): Claim {
  const held = new Set(live === undefined ? [] : takenBy(live));
  const wanted = takenBy(service);
  const checks: Check[] = [];
  const writes: Write[] = [];
  for (const key of wanted.filter((each) => !held.has(each))) {
    const holding = holdingOf(key, service, reads);
    if (holding.is === "held") return taken(key, holding.holder, holding.doubt);
    checks.push({ key, revision: holding.revision });
    writes.push({ op: "put", key, value: holderRecord(service) });
  }
  for (const key of held) if (!wanted.includes(key)) writes.push({ op: "delete", key });
  return { is: "granted", service, checks, writes };
}

function taken(key: string, holder: string, doubt: readonly string[]): Refusal {
  const range = Object.values(TAKEN_RANGES).find((prefix) => key.startsWith(prefix)) ?? "";
  const value = key.slice(range.length);
  return refuse(new TallshipError("failed_precondition", `${value} is taken by ${holder}`), doubt);
}

type Filled = { readonly is: "filled"; readonly service: Service } | Refusal;

function fill(service: Service, context: ClaimContext): Filled {
  const { spec } = service;
  if (spec === undefined || spec.type === "ExternalName") return { is: "filled", service };
  const ipFamilies = familiesFor(spec, context.ranges);
  const clusterIPs = fillAddresses(spec, ipFamilies, context);
  if (!Array.isArray(clusterIPs)) return clusterIPs;
  const ports = fillPorts(spec, context);
  if (!Array.isArray(ports)) return ports;
  const filled = { ...spec, clusterIP: clusterIPs[0] ?? "", clusterIPs, ipFamilies, ports };
  const health = fillHealthCheck(filled, context);
  if (typeof health !== "number") return health;
  return { is: "filled", service: { ...service, spec: { ...filled, healthCheckNodePort: health } } };
}

function fillHealthCheck(spec: ServiceSpec, context: ClaimContext): number | Refusal {
  if (spec.healthCheckNodePort !== 0 || !needsHealthCheck(spec)) return spec.healthCheckNodePort;
  return pickNodePort({ protocol: "TCP", own: spec.ports }, context);
}

/** An address of each family, those that the service names first. */
function fillAddresses(
  { clusterIP, clusterIPs }: ServiceSpec,
  families: readonly Family[],
  context: ClaimContext,
): string[] | Refusal {
  if (clusterIP === "None") return [clusterIP];
  const filled: string[] = [];
  for (const [at, family] of families.entries()) {
    const named = at === 0 ? clusterIP : (clusterIPs[at] ?? "");
    const picked: Picked = named === "" ? pickAddress(family, context) : { is: "picked", value: named };
    if (picked.is === "refuse") return picked;
    filled.push(picked.value);
  }
  return filled;
}

function pickAddress(family: Family, { reads, rng, ranges }: ClaimContext): Picked {
  return pick({ prefix: TAKEN_RANGES.address, ...addressPool(family, ranges) }, reads, rng);
}

function fillPorts(spec: ServiceSpec, context: ClaimContext): ServicePort[] | Refusal {
  const ports = [...spec.ports];
  if (!opensNodePorts(spec.type) || spec.allocateLoadBalancerNodePorts === false) return ports;
  const health = { nodePort: spec.healthCheckNodePort, protocol: "TCP" };
  for (const [at, port] of ports.entries()) {
    if (port.nodePort !== 0) continue;
    const picked = pickNodePort({ protocol: port.protocol, own: [...ports, health] }, context);
    if (typeof picked !== "number") return picked;
    ports[at] = { ...port, nodePort: picked };
  }
  return ports;
}

type OpenPort = Pick<ServicePort, "nodePort" | "protocol">;

function pickNodePort(
  { protocol, own }: { readonly protocol: string; readonly own: readonly OpenPort[] },
  { reads, rng, ranges }: ClaimContext,
): number | Refusal {
  const range = { first: ranges.nodePortMin, count: ranges.nodePortMax - ranges.nodePortMin + 1 };
  const text = (nodePort: number): string => takenNodePort({ nodePort, protocol });
  const picked = pick({ prefix: TAKEN_RANGES.nodePort, range, text, reserved: own.map(takenNodePort) }, reads, rng);
  return picked.is === "refuse" ? picked : Number.parseInt(picked.value, 10);
}

function rangeErrors({ metadata, spec }: Service, ranges: ServiceRanges): readonly FieldError[] {
  const errors: FieldError[] = [...familyErrors({ metadata, spec }, ranges)];
  const { type = "", ports = [], healthCheckNodePort = 0 } = spec ?? {};
  const span = nodePortSpan(metadata?.annotations, { first: ranges.nodePortMin, last: ranges.nodePortMax });
  const check = (path: string, port: number): void => {
    const message = port === 0 ? undefined : nodePortError(port, span);
    if (message !== undefined) errors.push(wrong(path, message));
  };
  // Those that a service of another type names open nothing.
  if (opensNodePorts(type))
    for (const [at, { nodePort }] of ports.entries()) check(`spec.ports[${at}].nodePort`, nodePort);
  check("spec.healthCheckNodePort", healthCheckNodePort);
  return errors;
}

function wrong(path: string, message: string): FieldError {
  return { code: "invalid", path, message };
}
