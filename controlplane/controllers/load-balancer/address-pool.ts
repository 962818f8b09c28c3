import type { Family } from "../../../net/family.js";
import { formatAddress, parseAddress, parseSubnet } from "../../../net/ipv4.js";
import { formatIpv6, parseIpv6, parseIpv6Subnet } from "../../../net/ipv6.js";

/** Addresses of one family as numbers, both ends included. */
export interface AddressRun {
  readonly family: Family;
  readonly first: bigint;
  readonly last: bigint;
}

/** Addresses that services may be given. */
export interface AddressPool {
  readonly runs: readonly AddressRun[];
  /** What of the text is no run of addresses. */
  readonly malformed: readonly string[];
}

/** The pool of a text such as `192.0.2.10-192.0.2.20, 2001:db8::/120`: addresses, first-last and networks of either family, apart by commas or blanks. */
export function parsePool(text: string): AddressPool {
  const words = text.split(/[\s,]+/).filter((word) => word !== "");
  const read = words.map((word) => ({ word, run: runOf(word) }));
  return {
    runs: read.flatMap(({ run }) => run ?? []),
    malformed: read.filter(({ run }) => run === undefined).map(({ word }) => word),
  };
}

function runOf(word: string): AddressRun | undefined {
  if (word.includes("/")) return networkRun(word);
  const [from = "", to = from] = word.split("-");
  const [first, last] = [numberOf(from), numberOf(to)];
  if (first === undefined || first.family !== last?.family || last.value < first.value) return undefined;
  return { family: first.family, first: first.value, last: last.value };
}

function networkRun(cidr: string): AddressRun | undefined {
  const ipv4 = parseSubnet(cidr);
  if (ipv4 !== undefined) return { family: "IPv4", first: BigInt(ipv4.base), last: BigInt(ipv4.base + ipv4.size - 1) };
  const ipv6 = parseIpv6Subnet(cidr);
  if (ipv6 === undefined) return undefined;
  const { base, prefixLength } = ipv6;
  // Every router of a link answers at the first address of its range.
  const first = prefixLength < 127 ? base + 1n : base;
  return { family: "IPv6", first, last: base + (1n << BigInt(128 - prefixLength)) - 1n };
}

function numberOf(text: string): { readonly family: Family; readonly value: bigint } | undefined {
  const ipv4 = parseAddress(text);
  if (ipv4 !== undefined) return { family: "IPv4", value: BigInt(ipv4) };
  const value = parseIpv6(text);
  return value === undefined ? undefined : { family: "IPv6", value };
}

function textOf(family: Family, value: bigint): string {
  return family === "IPv4" ? formatAddress(Number(value)) : formatIpv6(value);
}

/** True when the pool has addresses of the family, taken or not. */
export function hasFamily({ runs }: AddressPool, family: Family): boolean {
  return runs.some((run) => run.family === family);
}

/** True when the address is one of the pool. */
export function isInPool({ runs }: AddressPool, address: string): boolean {
  const number = numberOf(address);
  if (number === undefined) return false;
  const { family, value } = number;
  return runs.some((run) => run.family === family && value >= run.first && value <= run.last);
}

/** The first address of the pool and the family that is not taken; undefined when all are. */
export function freeAddress(
  { runs }: AddressPool,
  family: Family,
  isTaken: (address: string) => boolean,
): string | undefined {
  for (const { first, last } of runs.filter((run) => run.family === family))
    for (let value = first; value <= last; value += 1n) {
      const address = textOf(family, value);
      if (!isTaken(address)) return address;
    }
  return undefined;
}
