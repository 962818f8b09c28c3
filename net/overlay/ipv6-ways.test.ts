import { expect, test } from "vitest";
import { Node } from "../../proto/gen/tallship/v1/node.js";
import { dualStack, nodeConfig, nodeObject } from "../../test/kit/network-world.js";
import { overlayEntries } from "./overlay-plan.js";
import { peersOf } from "./peers.js";

interface Traits {
  readonly directRouting?: boolean;
  /** What this host has on its link, and what the peer has told. */
  readonly own?: string | undefined;
  readonly told?: string;
  readonly underlayIP?: string;
}

/** Where packets of IPv6 for node 5's pods go from node 4. */
function wayFor({ directRouting = true, own = "fe80::4", told = "fe80::5", underlayIP }: Traits): string {
  const config = { ...nodeConfig(4), ...dualStack(4), directRouting };
  const { metadata, spec, status } = nodeObject(5, undefined, underlayIP);
  const node = Node.fromPartial({ metadata, spec, status: { overlay: { ...status?.overlay, linkIPv6: told } } });
  const link = own === "" ? {} : { linkIpv6: own };
  const underlay = { device: "eth0", mtu: 1_500, prefixLength: 24, ...link };
  const ways = overlayEntries(config, underlay, peersOf([node], config).peers).flatMap((entry) =>
    entry.table === "route" && entry.subnet === "fd00:10:128:5::/64" ? [`${entry.device} ${entry.via}`] : [],
  );
  return ways.join();
}

const TUNNEL = "tallship0 fe80::a80:501";
const rows: readonly { readonly what: string; readonly traits: Traits; readonly want: string }[] = [
  { what: "both hosts have an address on the link", traits: {}, want: "eth0 fe80::5" },
  { what: "the peer writes its own at length", traits: { told: "FE80:0:0:0::05" }, want: "eth0 fe80::5" },
  { what: "the cluster does not route directly", traits: { directRouting: false }, want: TUNNEL },
  { what: "this host has none", traits: { own: "" }, want: TUNNEL },
  { what: "the peer has told none", traits: { told: "" }, want: TUNNEL },
  { what: "the peer is behind a router", traits: { underlayIP: "192.168.8.5" }, want: TUNNEL },
  { what: "the peer tells an address of elsewhere", traits: { told: "2001:db8::5" }, want: TUNNEL },
  { what: "the peer tells more than an address", traits: { told: "fe80::5; reboot" }, want: TUNNEL },
];
for (const { what, traits, want } of rows)
  test(`IPv6 goes over the link exactly when both ends know each other there: ${what}`, () => {
    expect(wayFor(traits)).toBe(want);
  });
