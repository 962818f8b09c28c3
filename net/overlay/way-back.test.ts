import { expect, test } from "vitest";
import { Node } from "../../proto/gen/tallship/v1/node.js";
import { nodeConfig, nodeObject } from "../../test/kit/network-world.js";
import type { Entry } from "../kernel/entries.js";
import { entrySets } from "../policy/entry-sets.js";
import { overlayEntries } from "./overlay-plan.js";
import { peersOf } from "./peers.js";

const wanted = ({ directRouting = false, routesByMark = true, leadsBack = true }): readonly Entry[] => {
  const config = { ...nodeConfig(4), directRouting };
  const { metadata, spec, status } = nodeObject(5);
  const node = Node.fromPartial({ metadata, spec, status: { overlay: { ...status?.overlay, leadsBack } } });
  const underlay = { device: "eth0", mtu: 1_500, prefixLength: 24 };
  return overlayEntries(config, underlay, peersOf([node], config).peers, {
    routesByMark,
    routeMtus: new Map(),
    tunnels: new Map(),
  });
};
const elementsOf = (entries: readonly Entry[]): Record<string, readonly string[]> =>
  Object.fromEntries(
    entrySets(entries).map(([name, { elements }]) => [
      name,
      [...elements].map(([key, value]) => `${key} ${value}`.trim()),
    ]),
  );

const KEPT = {
  "entry-ends": ["192.168.9.5 . 0x20000000105"],
  "entry-marks": ["02:00:00:00:01:05 0xf5800501"],
  "leading-back": ["10.128.5.0/24"],
};
const NONE = { "entry-ends": [], "entry-marks": [], "leading-back": [] };

// Either side's lack has the client's address replaced, as ever.
const rows = [
  { what: "both nodes can", traits: {}, want: KEPT },
  { what: "both can, on one link", traits: { directRouting: true }, want: KEPT },
  { what: "the peer cannot", traits: { leadsBack: false }, want: NONE },
  { what: "this node cannot", traits: { routesByMark: false }, want: NONE },
];
for (const { what, traits, want } of rows)
  test(`clients keep their address towards a peer exactly when both lead back: ${what}`, () => {
    expect(elementsOf(wanted(traits))).toEqual(want);
  });

test("a kernel without rules is asked for none", () => {
  expect(wanted({ routesByMark: false }).filter(({ table }) => table === "rule")).toEqual([]);
});
