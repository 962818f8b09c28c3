import { EXACT_SLOTS, OUTSIDE_SLOTS, STICKY_SLOTS, WIDE_SLOTS } from "../proxy/slots.js";

/** The set of protocols that have ports. One for all rules: nft reads every set whenever it looks at a table, and nameless ones are a set each. */
export const TRANSPORTS = "transports";

/** How packets are told apart that are for an address of a service, and for a port of the node. */
const FAMILIES = [
  { prefix: "", front: "ip daddr . meta l4proto . th dport", endpoints: "service-endpoints", sticky: "sticky" },
  { prefix: "node-", front: "meta l4proto . th dport", endpoints: "node-port-endpoints", sticky: "node-sticky" },
] as const;

/** Whose slots are drawn from: everybody's, or those of clients from outside. */
const SIDES = [
  { prefix: "", offset: "" },
  { prefix: "outside-", offset: ` offset ${OUTSIDE_SLOTS}` },
] as const;

type Family = (typeof FAMILIES)[number];
type Side = (typeof SIDES)[number];

/** One chain per number of slots: services share them, so a service needs no chain of its own. */
export function pickChains(affinitySeconds: readonly number[]): readonly string[] {
  const counts = [...Array.from({ length: EXACT_SLOTS }, (_, at) => at + 1), ...WIDE_SLOTS];
  return FAMILIES.flatMap((family) =>
    SIDES.flatMap((side) => [
      ...counts.map((count) => pickChain(family, side, count)),
      ...affinitySeconds.flatMap((seconds) => STICKY_SLOTS.map((count) => stickChain(family, side, count, seconds))),
    ]),
  );
}

function pickChain({ prefix, front, endpoints }: Family, side: Side, count: number): string {
  const slot = `numgen random mod ${count}${side.offset}`;
  return `  chain ${side.prefix}${prefix}pick-${count} { meta l4proto @${TRANSPORTS} dnat ip to ${front} . ${slot} map @${endpoints}; }
`;
}

/**
 * Leads a client to the endpoint it had. Draws one; what is remembered of the client stands before what was drawn, and holds on from now.
 * An endpoint that is gone is not found any more: then what is remembered is dropped and another is drawn. The mark of the connection
 * carries the endpoint's address from one look-up to the next, since nft 1.0.6 cannot put one look-up into another.
 */
function stickChain({ prefix, front, sticky }: Family, side: Side, count: number, seconds: number): string {
  const client = `ip saddr . ${front}`;
  const draw = `    ct mark set ${front} . numgen random mod ${count}${side.offset} map @${sticky}-draws
    update @${prefix}affinities { ${client} timeout ${seconds}s : ct mark }
`;
  const lead = `    dnat ip to ${front} . ct mark map @${sticky}-endpoints
`;
  return `  chain ${side.prefix}${prefix}stick-${count}-${seconds} {
    meta l4proto != @${TRANSPORTS} return
${draw}    ct mark set ${client} map @${prefix}affinities
${lead}    delete @${prefix}affinities { ${client} : ct mark }
${draw}${lead}  }
`;
}
