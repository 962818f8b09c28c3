import { formatAddress, parseAddress, parseSubnet } from "../../../net/ipv4.js";

/** Addresses that services may be given, as runs of numbers, both ends included. */
export interface AddressPool {
  readonly runs: readonly { readonly first: number; readonly last: number }[];
  /** What of the text is no run of IPv4 addresses. */
  readonly malformed: readonly string[];
}

/** The pool of a text such as `192.0.2.10-192.0.2.20, 192.0.2.64/28`: addresses, first-last and networks, apart by commas or blanks. */
export function parsePool(text: string): AddressPool {
  const words = text.split(/[\s,]+/).filter((word) => word !== "");
  const read = words.map((word) => ({ word, run: runOf(word) }));
  return {
    runs: read.flatMap(({ run }) => run ?? []),
    malformed: read.filter(({ run }) => run === undefined).map(({ word }) => word),
  };
}

function runOf(word: string): { readonly first: number; readonly last: number } | undefined {
  if (word.includes("/")) {
    const subnet = parseSubnet(word);
    return subnet === undefined ? undefined : { first: subnet.base, last: subnet.base + subnet.size - 1 };
  }
  const [from = "", to = from] = word.split("-");
  const [first, last] = [parseAddress(from), parseAddress(to)];
  return first === undefined || last === undefined || last < first ? undefined : { first, last };
}

/** True when the address is one of the pool. */
export function isInPool({ runs }: AddressPool, address: string): boolean {
  const value = parseAddress(address);
  return value !== undefined && runs.some(({ first, last }) => value >= first && value <= last);
}

/** The first address of the pool that is not taken; undefined when all are. */
export function freeAddress({ runs }: AddressPool, taken: ReadonlySet<string>): string | undefined {
  for (const { first, last } of runs)
    for (let value = first; value <= last; value += 1) {
      const address = formatAddress(value);
      if (!taken.has(address)) return address;
    }
  return undefined;
}
