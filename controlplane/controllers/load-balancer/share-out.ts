import { type Family, familyOf } from "../../../net/family.js";
import { type AddressPool, freeAddress, hasFamily, isInPool } from "./address-pool.js";

/** A service that wants announced addresses, and what it has of that so far. */
export interface Applicant {
  /** Names it among the others. */
  readonly key: string;
  /** The families of which it wants an address each, in its order. */
  readonly families: readonly Family[];
  /** It takes an address of every family, or none at all. */
  readonly wantsAll: boolean;
  /** The address it asks for; empty: any. */
  readonly asked: string;
  /** The addresses it has. */
  readonly addresses: readonly string[];
  /** The node that answers for them; empty: none. */
  readonly announcer: string;
  /** Nodes that could answer for them. */
  readonly nodes: ReadonlySet<string>;
}

/** Addresses of the pool that are somebody's already. */
export interface TakenAddresses {
  /** Nobody may have them: they are nodes' own. */
  readonly reserved: ReadonlySet<string>;
  /** Services name them as external addresses: they are given to others only when no other is left, for ports may clash. Absent: none. */
  readonly avoided?: ReadonlySet<string>;
}

/** A service that gets none, and why. */
export interface Refused {
  readonly is: "refused";
  readonly reason: "NoAddressPool" | "AddressNotInPool" | "AddressTaken" | "PoolExhausted";
  readonly message: string;
}

/** What a service gets: addresses, and the node that answers for them, which is empty when none can; or why it gets none. */
export type Share =
  | {
      readonly is: "given";
      readonly addresses: readonly string[];
      readonly announcer: string;
      /** Why it has none of one of its families; empty: it has. */
      readonly lacking: string;
    }
  | Refused;

type Given = Omit<Extract<Share, { is: "given" }>, "announcer">;

/** How much would go with a node beside what it announces, by its name; absent: nothing. Nodes with more announce where those with less cannot. */
export type Burdens = ReadonlyMap<string, number>;

/**
 * Shares a pool out. What somebody has he keeps while he may, so that addresses and announcers stay where they are; then those who ask for an
 * address get it, then the others, in the order given. Announcers are spread: of the nodes that could, and are burdened least, the one with the fewest services.
 */
export function shareOut(
  applicants: readonly Applicant[],
  pool: AddressPool,
  others: TakenAddresses,
  burdens: Burdens = new Map(),
): ReadonlyMap<string, Share> {
  const taken = new Set(others.reserved);
  const ground: PoolGround = { pool, taken, avoided: others.avoided ?? new Set() };
  const kept = new Map<string, ReadonlyMap<Family, string>>();
  for (const applicant of applicants) kept.set(applicant.key, keep(applicant, pool, taken));
  const found = new Map<string, Given | Refused>();
  for (const applicant of byAsking(applicants))
    found.set(applicant.key, complete(applicant, kept.get(applicant.key) ?? new Map(), ground));
  const losers = new Set(
    applicants.filter(({ key }) => found.get(key)?.is === "refused" && (kept.get(key)?.size ?? 0) > 0),
  );
  if (losers.size === 0) return withAnnouncers(applicants, found, burdens);
  // What they had is free again, and may be what another was refused.
  const rest = applicants.map((each) => (losers.has(each) ? { ...each, addresses: [] } : each));
  return shareOut(rest, pool, others, burdens);
}

/** What addresses are picked from. */
interface PoolGround {
  readonly pool: AddressPool;
  /** Grows as addresses are given. */
  readonly taken: Set<string>;
  readonly avoided: ReadonlySet<string>;
}

/** What the applicant goes on having; it is taken from now on. */
function keep(
  { families, asked, addresses }: Applicant,
  pool: AddressPool,
  taken: Set<string>,
): ReadonlyMap<Family, string> {
  const kept = new Map<Family, string>();
  for (const address of addresses) {
    const family = familyOf(address);
    const isAsked = asked === "" || familyOf(asked) !== family || asked === address;
    if (!families.includes(family) || kept.has(family) || !isAsked) continue;
    if (!isInPool(pool, address) || taken.has(address)) continue;
    taken.add(address);
    kept.set(family, address);
  }
  return kept;
}

function byAsking(applicants: readonly Applicant[]): readonly Applicant[] {
  return [...applicants.filter(({ asked }) => asked !== ""), ...applicants.filter(({ asked }) => asked === "")];
}

/** What the applicant gets in all. Who is refused leaves what he had to others. */
function complete(applicant: Applicant, kept: ReadonlyMap<Family, string>, ground: PoolGround): Given | Refused {
  const { pool, taken } = ground;
  const { families, asked, wantsAll } = applicant;
  const isAsked = (family: Family): boolean => asked !== "" && familyOf(asked) === family;
  const held = new Map(kept);
  let lacking: Refused | undefined = strangeAsking(applicant);
  let mustRefuse = lacking !== undefined;
  // What is short whatever others have comes first: so who is refused hears the same reason each time.
  const rank = (family: Family): number => (isAsked(family) ? 0 : hasFamily(pool, family) ? 2 : 1);
  for (const family of [...families].sort((one, other) => rank(one) - rank(other))) {
    if (held.has(family)) continue;
    const picked = pick(isAsked(family) ? asked : "", family, ground);
    if (typeof picked === "string") {
      held.set(family, picked);
      taken.add(picked);
      continue;
    }
    lacking ??= picked;
    mustRefuse ||= isAsked(family);
  }
  if (lacking !== undefined && (mustRefuse || wantsAll || held.size === 0)) {
    for (const address of held.values()) taken.delete(address);
    return lacking;
  }
  return { is: "given", addresses: families.flatMap((each) => held.get(each) ?? []), lacking: lacking?.message ?? "" };
}

function strangeAsking({ asked, families }: Applicant): Refused | undefined {
  if (asked === "" || families.includes(familyOf(asked))) return undefined;
  const message = `${asked} is of ${familyOf(asked)}, and the service has ${families.join(" and ")} alone`;
  return { is: "refused", reason: "AddressNotInPool", message };
}

function pick(asked: string, family: Family, { pool, taken, avoided }: PoolGround): string | Refused {
  if (pool.runs.length === 0)
    return { is: "refused", reason: "NoAddressPool", message: "the cluster has no pool of addresses for services" };
  if (!hasFamily(pool, family))
    return {
      is: "refused",
      reason: "NoAddressPool",
      message: `the cluster's pool of addresses for services has none of ${family}`,
    };
  if (asked === "") {
    const message = `all addresses of ${family} in the pool are given to other services, or are nodes' own`;
    const free =
      freeAddress(pool, family, (address) => taken.has(address) || avoided.has(address)) ??
      freeAddress(pool, family, (address) => taken.has(address));
    return free ?? { is: "refused", reason: "PoolExhausted", message };
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
  found: ReadonlyMap<string, Given | Refused>,
  burdens: Burdens,
): ReadonlyMap<string, Share> {
  const loads = new Map<string, number>();
  const shares = new Map<string, Share>();
  const announce = (key: string, given: Given, announcer: string): void => {
    if (announcer !== "") loads.set(announcer, (loads.get(announcer) ?? 0) + 1);
    shares.set(key, { ...given, announcer });
  };
  const moving: { readonly applicant: Applicant; readonly given: Given }[] = [];
  for (const applicant of applicants) {
    const outcome = found.get(applicant.key);
    if (outcome === undefined) continue;
    if (outcome.is === "refused") shares.set(applicant.key, outcome);
    else if (applicant.nodes.has(applicant.announcer)) announce(applicant.key, outcome, applicant.announcer);
    else moving.push({ applicant, given: outcome });
  }
  for (const { applicant, given } of moving) announce(applicant.key, given, freest(applicant.nodes, burdens, loads));
  return shares;
}

function freest(nodes: ReadonlySet<string>, ...counts: readonly ReadonlyMap<string, number>[]): string {
  const compare = (one: string, other: string): number => {
    for (const count of counts) {
      const difference = (count.get(one) ?? 0) - (count.get(other) ?? 0);
      if (difference !== 0) return difference;
    }
    return one < other ? -1 : 1;
  };
  return [...nodes].sort(compare)[0] ?? "";
}
