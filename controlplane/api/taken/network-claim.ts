import { DEFAULT_NETWORK, hasVni, subnetError } from "../../../kinds/network.js";
import type { FieldError } from "../../../kinds/validation/findings.js";
import { overlaps } from "../../../lib/cidr-overlap.js";
import { TallshipError } from "../../../lib/errors.js";
import type { Network, NetworkSpec } from "../../../proto/gen/tallship/v1/network.js";
import { NetworkLedger, type TakenNetwork } from "../../../proto/gen/tallship/v1/record.js";
import type { View } from "../../cache/view.js";
import { META } from "../../store/keys.js";
import type { Check, Entry, Write } from "../../store/store.js";
import type { Reads } from "../write/reads.js";
import { type Refusal, refuse } from "../write/task.js";
import { addressNumber, addressText } from "./address-range.js";

/** The cluster's own ranges, which no network may overlap. */
export interface ClusterRanges {
  readonly podCIDR: string;
  readonly serviceCIDR: string;
  /** Identifier of the cluster's own overlay on the wire. */
  readonly vni: number;
}

/** A network with its range and identifier, and what its transaction checks and writes for them; or why it cannot have them. */
export type NetworkClaim =
  | {
      readonly is: "granted";
      readonly network: Network;
      readonly checks: readonly Check[];
      readonly writes: readonly Write[];
    }
  | { readonly is: "invalid"; readonly errors: readonly FieldError[] }
  | Refusal;

/** Where ranges are picked from, and how long a picked one is. */
const POOL = { cidr: "10.64.0.0/11", prefixLength: 20 } as const;

/** The first identifier that is picked; there are 16 million, and fewer networks. */
const FIRST_VNI = 4_096;

/** Holds what networks have taken, and is written with each new one: of two that are created at once, the second is decided on what the first has taken. */
const LEDGER = `${META.taken}networks`;

/**
 * Gives a new network the range and identifier that it does not name, and refuses those that overlap or equal others', naming the clash. Both
 * stay for the network's life.
 */
export function networkClaim(
  network: Network,
  live: Network | undefined,
  { reads, ranges }: { readonly reads: Reads; readonly ranges: ClusterRanges },
): NetworkClaim {
  const { spec } = network;
  if (live !== undefined || spec === undefined) return { is: "granted", network, checks: [], writes: [] };
  const ledger = reads.record(LEDGER);
  const others = takenNetworks(ledger, reads.view);
  const held = heldRanges(others, ranges);
  const errors = clashes(spec, others, held, ranges);
  if (errors.length > 0) return { is: "invalid", errors };
  const subnet = spec.subnet === "" ? freeSubnet(held) : spec.subnet;
  if (subnet === undefined) return exhausted(`all ranges of ${POOL.cidr} are taken: name one in spec.subnet`);
  const vni = hasVni(spec) ? (spec.vni ?? freeVni(others, ranges)) : undefined;
  const networks = [...others, { holder: nameOf(network), subnet, vni: vni ?? 0 }];
  return {
    is: "granted",
    network: { ...network, spec: { ...spec, subnet, vni } },
    checks: [{ key: LEDGER, revision: ledger?.revision ?? 0 }],
    writes: [{ op: "put", key: LEDGER, value: NetworkLedger.encode({ networks }).finish() }],
  };
}

/** What networks have taken: those that the cache shows, and while it has not come to the ledger's last writing, those that stand there. */
function takenNetworks(ledger: Entry | undefined, view: View): readonly TakenNetwork[] {
  const shown = view.list("Network").map(({ object }) => ({
    holder: nameOf(object),
    subnet: object.spec?.subnet ?? "",
    vni: object.spec?.vni ?? 0,
  }));
  if (ledger === undefined || view.revision >= ledger.revision) return shown;
  const known = new Set(shown.map(({ holder }) => holder));
  return [...shown, ...NetworkLedger.decode(ledger.value).networks.filter(({ holder }) => !known.has(holder))];
}

function exhausted(why: string): Refusal {
  return refuse(new TallshipError("resource_exhausted", `create Network: ${why}`));
}

interface HeldRange {
  readonly cidr: string;
  /** Whose it is, in words. */
  readonly holder: string;
}

function heldRanges(others: readonly TakenNetwork[], { podCIDR, serviceCIDR }: ClusterRanges): readonly HeldRange[] {
  return [
    { cidr: podCIDR, holder: `the cluster's own pods (network ${DEFAULT_NETWORK})` },
    { cidr: serviceCIDR, holder: "the cluster's services" },
    ...others.map(({ subnet, holder }) => ({ cidr: subnet, holder: `Network ${holder}` })),
  ];
}

function clashes(
  spec: NetworkSpec,
  others: readonly TakenNetwork[],
  held: readonly HeldRange[],
  ranges: ClusterRanges,
): readonly FieldError[] {
  const errors: FieldError[] = [];
  const isRange = spec.subnet !== "" && subnetError(spec.subnet) === undefined;
  const clash = isRange ? held.find(({ cidr }) => overlaps(cidr, spec.subnet)) : undefined;
  if (clash !== undefined)
    errors.push(wrong("spec.subnet", `${spec.subnet} overlaps ${clash.cidr} of ${clash.holder}`));
  if (spec.vni === undefined) return errors;
  const twin = others.find(({ vni }) => vni === spec.vni);
  if (twin !== undefined) errors.push(wrong("spec.vni", `${spec.vni} is that of Network ${twin.holder}`));
  else if (spec.vni === ranges.vni) errors.push(wrong("spec.vni", `${spec.vni} is that of the cluster's own overlay`));
  return errors;
}

function wrong(path: string, message: string): FieldError {
  return { code: "invalid", path, message };
}

function nameOf({ metadata }: Network): string {
  return `${metadata?.namespace}/${metadata?.name}`;
}

/** The first range of the pool that overlaps no other. */
function freeSubnet(held: readonly HeldRange[]): string | undefined {
  const [address = "", length = ""] = POOL.cidr.split("/");
  const size = 2 ** (32 - POOL.prefixLength);
  const first = addressNumber(address);
  const end = first + 2 ** (32 - Number(length));
  for (let base = first; base < end; base += size) {
    const cidr = `${addressText(base)}/${POOL.prefixLength}`;
    if (!held.some((each) => overlaps(each.cidr, cidr))) return cidr;
  }
  return undefined;
}

function freeVni(others: readonly TakenNetwork[], ranges: ClusterRanges): number {
  const taken = new Set([ranges.vni, ...others.map((other) => other.vni)]);
  let vni = FIRST_VNI;
  while (taken.has(vni)) vni += 1;
  return vni;
}
