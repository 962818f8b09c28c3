import { expect, test } from "vitest";
import { Node } from "../../proto/gen/tallship/v1/node.js";
import { dualStack, nodeConfig, nodeObject } from "../../test/kit/network-world.js";
import type { Family } from "../family.js";
import type { Entry } from "../kernel/entries.js";
import { entryEnds, entryMarks, leadingBack } from "../policy/entry-sets.js";
import { overlayEntries } from "./overlay-plan.js";
import { peersOf } from "./peers.js";

interface Traits {
  readonly directRouting?: boolean;
  /** Of this node's kernel. */
  readonly markFamilies?: readonly Family[];
  readonly leadsBack?: boolean;
  readonly leadsBackIPv6?: boolean;
}

const wanted = (traits: Traits): readonly Entry[] => {
  const { directRouting = false, markFamilies = ["IPv4", "IPv6"], leadsBack = true, leadsBackIPv6 = true } = traits;
  const config = { ...nodeConfig(4), ...dualStack(4), directRouting };
  const { metadata, spec, status } = nodeObject(5);
  const overlay = { ...status?.overlay, leadsBack, leadsBackIPv6 };
  const node = Node.fromPartial({ metadata, spec, status: { overlay } });
  const underlay = { device: "eth0", mtu: 1_500, prefixLength: 24 };
  return overlayEntries(config, underlay, peersOf([node], config).peers, {
    markFamilies,
    pathMtus: new Map(),
    tunnels: new Map(),
  });
};
const elementsOf = (entries: readonly Entry[], family: Family): readonly string[] =>
  [entryEnds(entries, family), entryMarks(entries, family), leadingBack(entries, family, CLUSTER[family])].flatMap(
    ({ elements }) => [...elements].map(([key, value]) => `${key} ${value}`.trim()),
  );

const CLUSTER = { IPv4: "10.128.0.0/9", IPv6: "fd00:10:128::/48" };
const MARKED = ["192.168.9.5 . 0x20000000105", "02:00:00:00:01:05 0xf5800501"];
const KEPT = { IPv4: [...MARKED, "10.128.5.0/24"], IPv6: [...MARKED, "fd00:10:128:5::/64"] };

// Either side's lack has the client's address replaced, as ever.
const rows = [
  { what: "both nodes can", traits: {}, want: KEPT },
  { what: "both can, on one link", traits: { directRouting: true }, want: KEPT },
  { what: "the peer cannot by IPv4", traits: { leadsBack: false }, want: { ...KEPT, IPv4: [] } },
  { what: "the peer cannot by IPv6", traits: { leadsBackIPv6: false }, want: { ...KEPT, IPv6: [] } },
  { what: "this node cannot by IPv4", traits: { markFamilies: ["IPv6"] }, want: { ...KEPT, IPv4: [] } },
  { what: "this node cannot by IPv6", traits: { markFamilies: ["IPv4"] }, want: { ...KEPT, IPv6: [] } },
] satisfies readonly { what: string; traits: Traits; want: Record<Family, readonly string[]> }[];
for (const { what, traits, want } of rows)
  test(`clients keep their address towards a peer exactly when both lead back: ${what}`, () => {
    const entries = wanted(traits);
    expect({ IPv4: elementsOf(entries, "IPv4"), IPv6: elementsOf(entries, "IPv6") }).toEqual(want);
  });

test("a kernel is asked for rules of the families that it has them of", () => {
  const families = (markFamilies: readonly Family[]): readonly Family[] => [
    ...new Set(wanted({ markFamilies }).flatMap((entry) => (entry.table === "rule" ? [entry.family] : []))),
  ];
  expect([families([]), families(["IPv4"]), families(["IPv6"])]).toEqual([[], ["IPv4"], ["IPv6"]]);
});
