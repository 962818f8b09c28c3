import { type AddressPool, freeAddress, isInPool } from "./address-pool.js";

/** A service that wants an announced address, and what it has of that so far. */
export interface Applicant {
  /** Names it among the others. */
  readonly key: string;
  /** The address it asks for; empty: any. */
  readonly asked: string;
  /** The address it has; empty: none. */
  readonly address: string;
  /** The node that answers for it; empty: none. */
  readonly announcer: string;
  /** Nodes that could answer for it. */
  readonly nodes: ReadonlySet<string>;
}

/** What a service gets: an address, and the node that answers for it, which is empty when none can; or why it gets none. */
export type Share =
  | { readonly is: "given"; readonly address: string; readonly announcer: string }
  | {
      readonly is: "refused";
      readonly reason: "NoAddressPool" | "AddressNotInPool" | "AddressTaken" | "PoolExhausted";
      readonly message: string;
    };

/**
 * Shares a pool out. What somebody has he keeps while he may, so that addresses and announcers stay where they are; then those who ask for an
 * address get it, then the others, in the order given. Announcers are spread: of the nodes that could, the one with the fewest.
 */
export function shareOut(
  applicants: readonly Applicant[],
  pool: AddressPool,
  reserved: ReadonlySet<string>,
): ReadonlyMap<string, Share> {
  const taken = new Set(reserved);
  const addresses = new Map<string, string | Extract<Share, { is: "refused" }>>();
  const give = (applicant: Applicant, address: string): void => {
    taken.add(address);
    addresses.set(applicant.key, address);
  };
  for (const applicant of applicants) if (mayKeep(applicant, pool, taken)) give(applicant, applicant.address);
  for (const applicant of byAsking(applicants)) {
    if (addresses.has(applicant.key)) continue;
    const found = pick(applicant, pool, taken);
    if (typeof found === "string") give(applicant, found);
    else addresses.set(applicant.key, found);
  }
  return withAnnouncers(applicants, addresses);
}

function mayKeep({ address, asked }: Applicant, pool: AddressPool, taken: ReadonlySet<string>): boolean {
  return address !== "" && (asked === "" || asked === address) && isInPool(pool, address) && !taken.has(address);
}

function byAsking(applicants: readonly Applicant[]): readonly Applicant[] {
  return [...applicants.filter(({ asked }) => asked !== ""), ...applicants.filter(({ asked }) => asked === "")];
}

function pick(
  { asked }: Applicant,
  pool: AddressPool,
  taken: ReadonlySet<string>,
): string | Extract<Share, { is: "refused" }> {
  if (pool.runs.length === 0)
    return { is: "refused", reason: "NoAddressPool", message: "the cluster has no pool of addresses for services" };
  if (asked === "") {
    const message = "all addresses of the pool are given to other services, or are nodes' own";
    return freeAddress(pool, taken) ?? { is: "refused", reason: "PoolExhausted", message };
  }
  if (!isInPool(pool, asked))
    return { is: "refused", reason: "AddressNotInPool", message: `${asked} is no address of the pool` };
  if (taken.has(asked))
    return {
      is: "refused",
      reason: "AddressTaken",
      message: `${asked} is given to another service, or is a node's own`,
    };
  return asked;
}

function withAnnouncers(
  applicants: readonly Applicant[],
  addresses: ReadonlyMap<string, string | Extract<Share, { is: "refused" }>>,
): ReadonlyMap<string, Share> {
  const loads = new Map<string, number>();
  const shares = new Map<string, Share>();
  const announce = (key: string, address: string, announcer: string): void => {
    if (announcer !== "") loads.set(announcer, (loads.get(announcer) ?? 0) + 1);
    shares.set(key, { is: "given", address, announcer });
  };
  const moving: { readonly applicant: Applicant; readonly address: string }[] = [];
  for (const applicant of applicants) {
    const address = addresses.get(applicant.key);
    if (address === undefined) continue;
    if (typeof address !== "string") shares.set(applicant.key, address);
    else if (applicant.nodes.has(applicant.announcer)) announce(applicant.key, address, applicant.announcer);
    else moving.push({ applicant, address });
  }
  for (const { applicant, address } of moving) announce(applicant.key, address, leastLoaded(applicant.nodes, loads));
  return shares;
}

function leastLoaded(nodes: ReadonlySet<string>, loads: ReadonlyMap<string, number>): string {
  const load = (node: string): number => loads.get(node) ?? 0;
  return [...nodes].sort((one, other) => load(one) - load(other) || (one < other ? -1 : 1))[0] ?? "";
}
