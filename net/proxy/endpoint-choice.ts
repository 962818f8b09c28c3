import { DEFAULT_NETWORK } from "../../kinds/network.js";
import { limit } from "../../lib/limits.js";
import type { Endpoint, EndpointNetwork, EndpointSlice } from "../../proto/gen/tallship/v1/endpointslice.js";
import type { ServicePort } from "../../proto/gen/tallship/v1/service.js";
import type { Family } from "../family.js";
import { parseAddress } from "../ipv4.js";
import { parseIpv6 } from "../ipv6.js";

/** An address and port that answers. */
export interface EndpointAddress {
  readonly ip: string;
  readonly port: number;
}

/** Where a node stands. */
export interface Place {
  readonly nodeName: string;
  /** Empty when the node does not say. */
  readonly zone: string;
  /** Of the endpoints that are looked for; IPv4 when absent. */
  readonly family?: Family;
}

/** From where endpoints are looked for: the node, and the network whose addresses are wanted; undefined: those that pods have first. */
export interface Whence {
  readonly place: Place;
  readonly network: string | undefined;
}

/** Which of a port's endpoints are asked for: any, those that are near, or those of this node alone. */
export type Reach = "any" | "zone-first" | "node-first" | "node-only";

type Accept = (endpoint: Endpoint) => boolean;

/**
 * The endpoints of a service's port that get new connections, without doubles, in order of address and port: the ready ones, or, when there
 * is none, those that are going but still answer. What is preferred is taken only while one of it is ready; `node-only` never goes further.
 */
export function chooseEndpoints(
  port: ServicePort,
  slices: readonly EndpointSlice[],
  reach: Reach,
  { place, network }: Whence,
): readonly EndpointAddress[] {
  const isHere: Accept = ({ nodeName }) => nodeName !== "" && nodeName === place.nodeName;
  const isInZone: Accept = ({ zone }) => zone !== "" && zone === place.zone;
  const rounds = ROUNDS[reach].map((round): Accept => {
    const near = round.within === "node" ? isHere : round.within === "zone" ? isInZone : () => true;
    return (endpoint) => round.accept(endpoint) && near(endpoint) && isReached(endpoint, { place, network });
  });
  for (const accept of rounds) {
    const found = addressesOf(port, slices, { accept, network, family: place.family ?? "IPv4" });
    if (found.length > 0) return found.slice(0, limit("serviceEndpoints"));
  }
  return [];
}

/** False for an address on a bridge network of another node: there is no way to it. */
export function isReached(endpoint: Endpoint, { place, network }: Whence): boolean {
  if (endpoint.nodeName === place.nodeName || place.nodeName === "") return true;
  const address = addressOn(endpoint, network);
  return !endpoint.networks.some((each) => each.bridge && each.address === address);
}

/** True when an endpoint gets new connections. Absent means ready, as in Kubernetes. */
export function isReady(endpoint: Endpoint): boolean {
  return endpoint.conditions?.ready !== false;
}

function isGoingButServing(endpoint: Endpoint): boolean {
  return endpoint.conditions?.terminating === true && endpoint.conditions.serving === true;
}

interface Round {
  readonly accept: Accept;
  readonly within: "node" | "zone" | "cluster";
}

const ANY: readonly Round[] = [
  { accept: isReady, within: "cluster" },
  { accept: isGoingButServing, within: "cluster" },
];

/** What is tried after what; the first round that finds somebody decides. */
const ROUNDS: Readonly<Record<Reach, readonly Round[]>> = {
  any: ANY,
  "zone-first": [{ accept: isReady, within: "zone" }, ...ANY],
  "node-first": [{ accept: isReady, within: "node" }, { accept: isReady, within: "zone" }, ...ANY],
  "node-only": [
    { accept: isReady, within: "node" },
    { accept: isGoingButServing, within: "node" },
  ],
};

/** An endpoint's address on a network, or, for undefined, the one that it has first. Undefined: it is not on the network. */
export function addressOn(endpoint: Endpoint, network: string | undefined): string | undefined {
  if (network === undefined) return endpoint.addresses[0];
  return placesOf(endpoint).find(({ name }) => name === network)?.address;
}

/** Where an endpoint is. One that says nothing is on the cluster's own network alone. */
export function placesOf({ addresses: [first], networks }: Endpoint): readonly EndpointNetwork[] {
  if (networks.length > 0 || first === undefined) return networks;
  return [{ name: DEFAULT_NETWORK, address: first, bridge: false }];
}

interface Sought {
  readonly accept: Accept;
  readonly network: string | undefined;
  readonly family: Family;
}

function addressesOf(
  port: ServicePort,
  slices: readonly EndpointSlice[],
  { accept, network, family }: Sought,
): readonly EndpointAddress[] {
  const parse = family === "IPv4" ? parseAddress : parseIpv6;
  const found: Found[] = [];
  for (const slice of slices) {
    if (slice.addressType !== family) continue;
    const match = slice.ports.find(
      (each) => each.name === port.name && (each.protocol || "TCP") === (port.protocol || "TCP") && each.port > 0,
    );
    if (match === undefined) continue;
    for (const endpoint of slice.endpoints) {
      if (!accept(endpoint)) continue;
      const ip = addressOn(endpoint, network) ?? "";
      const value = parse(ip);
      if (value !== undefined && isOfHost(value)) found.push({ ip, value, port: match.port });
    }
  }
  return found
    .sort((one, other) => (one.value < other.value ? -1 : one.value > other.value ? 1 : one.port - other.port))
    .filter(({ value, port: number }, at, all) => value !== all[at - 1]?.value || number !== all[at - 1]?.port)
    .map((each) => ({ ip: each.ip, port: each.port }));
}

/** False for an address that means whoever sends to it, or its link: a node would lead clients to itself. Validation refuses such endpoints; nothing depends on it. */
function isOfHost(value: number | bigint): boolean {
  if (typeof value === "number") {
    const first = value >>> 24;
    return first !== 0 && first !== 127 && first < 224 && value >>> 16 !== LINK_LOCAL;
  }
  const isMapped = value >> 32n === 0xffffn;
  if (isMapped) return isOfHost(Number(value & 0xffff_ffffn));
  return value > 1n && value >> 118n !== 0x3fan && value >> 120n !== 0xffn;
}

/** 169.254 */
const LINK_LOCAL = 0xa9fe;

interface Found extends EndpointAddress {
  /** The address as a number. */
  readonly value: number | bigint;
}
