import type { FamilyWords } from "../family.js";
import { EXACT_SLOTS, FEW_SLOTS, OUTSIDE_SLOTS, STICKY_SLOTS, WIDE_SLOTS } from "../proxy/slots.js";

/** The set of protocols that have ports. One for all rules: nft reads every set whenever it looks at a table, and nameless ones are a set each. */
export const TRANSPORTS = "transports";

/** How packets are told apart that are for an address of a service, and for a port of the node. */
const FRONTS = [
  { prefix: "", address: true, endpoints: "service-endpoints", sticky: "sticky" },
  { prefix: "node-", address: false, endpoints: "node-port-endpoints", sticky: "node-sticky" },
] as const;

/** Whose slots are drawn from: everybody's, or those of clients from outside. */
const SIDES = [
  { prefix: "", offset: "" },
  { prefix: "outside-", offset: ` offset ${OUTSIDE_SLOTS}` },
] as const;

type Side = (typeof SIDES)[number];

interface Pick {
  readonly ip: FamilyWords["ip"];
  readonly kind: (typeof FRONTS)[number];
  readonly side: Side;
  readonly count: number;
}

/** What a packet is looked up by. */
function frontOf({ ip, kind }: Pick): string {
  return `${kind.address ? `${ip} daddr . ` : ""}meta l4proto . th dport`;
}

/** Where the endpoint of a slot stands: see FEW_SLOTS. */
function endpointsOf({ kind, side, count }: Pick): string {
  const areFew = side.prefix === "" && count <= FEW_SLOTS;
  return areFew ? kind.endpoints : `many-${kind.endpoints}`;
}

/** One chain per number of slots: services share them, so a service needs no chain of its own. */
export function pickChains({ ip }: FamilyWords, affinitySeconds: readonly number[]): readonly string[] {
  const counts = [...Array.from({ length: EXACT_SLOTS }, (_, at) => at + 1), ...WIDE_SLOTS];
  return FRONTS.flatMap((kind) =>
    SIDES.flatMap((side) => [
      ...counts.map((count) => pickChain({ ip, kind, side, count })),
      ...affinitySeconds.flatMap((seconds) =>
        STICKY_SLOTS.map((size) => stickChain({ ip, kind, side, count: size }, seconds)),
      ),
    ]),
  );
}

function pickChain(pick: Pick): string {
  const { ip, kind, side, count } = pick;
  const slot = `numgen random mod ${count}${side.offset}`;
  return `  chain ${side.prefix}${kind.prefix}pick-${count} { meta l4proto @${TRANSPORTS} dnat ${ip} to ${frontOf(pick)} . ${slot} map @${endpointsOf(pick)}; }
`;
}

/**
 * What clients are remembered by, per front: the client's address; of IPv6 a number made of addresses, which the packet's mark carries. nft 1.0.6 makes no rule that changes a map by a key of more
 * than 16 bytes (docs/adr/0021), and lists none that has the number itself in its key. Two clients with one number share an endpoint.
 */
export function clientKey(ip: FamilyWords["ip"], hasAddress: boolean): string {
  const who = ip === "ip6" ? "meta mark" : `ip saddr${hasAddress ? " . ip daddr" : ""}`;
  return `${who} . meta l4proto . th dport`;
}

/** The seed is fixed: every rule must come to the same number, also in the table that comes after this one. */
const CLIENT_SEED = "0x7453";

/** Rules that put the client's number into the mark, and take it away before the packet goes on. */
function numbering({ ip, kind }: Omit<Pick, "count" | "side">): { readonly set: string; readonly clear: string } {
  if (ip === "ip") return { set: "", clear: "" };
  const addresses = `ip6 saddr${kind.address ? " . ip6 daddr" : ""}`;
  return {
    set: `    meta mark set jhash ${addresses} mod 4294967295 seed ${CLIENT_SEED}
`,
    clear: `    meta mark set 0
`,
  };
}

/**
 * Leads a client to the endpoint it had. Draws one; what is remembered of the client stands before what was drawn, and holds on from now.
 * An endpoint that is gone is not found any more: then what is remembered is dropped and another is drawn. The mark of the connection
 * carries the endpoint's address from one look-up to the next, since nft 1.0.6 cannot put one look-up into another.
 */
function stickChain(pick: Pick, seconds: number): string {
  const { ip, kind, side, count } = pick;
  const { prefix, sticky } = kind;
  const front = frontOf(pick);
  const client = clientKey(ip, kind.address);
  const number = numbering(pick);
  const draw = `    ct mark set ${front} . numgen random mod ${count}${side.offset} map @${sticky}-draws
    update @${prefix}affinities { ${client} timeout ${seconds}s : ct mark }
`;
  const lead = `    dnat ${ip} to ${front} . ct mark map @${sticky}-endpoints
`;
  return `  chain ${side.prefix}${prefix}stick-${count}-${seconds} {
    meta l4proto != @${TRANSPORTS} return
${number.set}${draw}    ct mark set ${client} map @${prefix}affinities
${number.clear}${lead}${number.set}    delete @${prefix}affinities { ${client} : ct mark }
${draw}${number.clear}${lead}  }
`;
}
