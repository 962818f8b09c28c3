import { expect, test } from "vitest";
import { NOTHING_PUBLISHED } from "../../net/node-network.js";
import type { HostFacts } from "./host-facts.js";
import { nodeStatus } from "./node-status.js";

const FACTS = { memoryBytes: 1, nodeIP: "192.0.2.1", systemInfo: {} } as HostFacts; // What the test does not ask about is left out.

const NOTHING = { counts: {}, devices: [], problems: [] };
const published = (hostIpv6: readonly string[] | undefined) => ({ ...NOTHING_PUBLISHED, hostIpv6 });

// A host of IPv4 alone, one whose network has not looked yet, one whose addresses are others by now, and one that has none any more.
const addresses = [
  { what: "as they are in a cluster of IPv4", had: undefined, has: undefined, want: [] },
  {
    what: "as they were when it started",
    had: ["2001:db8::1", "2001:db8::2"],
    has: undefined,
    want: ["2001:db8::1", "2001:db8::2"],
  },
  { what: "as they are now", had: ["2001:db8::1"], has: ["2001:db8::2", "fd00::1"], want: ["2001:db8::2", "fd00::1"] },
  { what: "none, once it has none", had: ["2001:db8::1"], has: [], want: [] },
];
for (const { what, had, has, want } of addresses)
  test(`a node tells its addresses of IPv6 beside the one of IPv4: ${what}`, () => {
    const facts = had === undefined ? FACTS : { ...FACTS, hostIPv6: had };
    const now = { overlay: undefined, published: published(has), reported: [], devices: NOTHING, nowMs: 0 };
    const told = nodeStatus(facts, now).addresses.flatMap(({ type, address }) =>
      type === "InternalIP" ? [address] : [],
    );
    expect(told).toEqual(["192.0.2.1", ...want]);
  });

test("a node tells its other addresses of IPv4 before those of IPv6, as its network sees them, or as they were when it started", () => {
  const facts = { ...FACTS, hostIPv4: ["192.0.2.9"], hostIPv6: ["2001:db8::1"] };
  const told = (hostIpv4: readonly string[] | undefined): readonly string[] => {
    const now = { overlay: undefined, published: { ...NOTHING_PUBLISHED, hostIpv4 }, reported: [], devices: NOTHING };
    const { addresses: all } = nodeStatus(facts, { ...now, nowMs: 0 });
    return all.flatMap(({ type, address }) => (type === "InternalIP" ? [address] : []));
  };
  expect(told(undefined)).toEqual(["192.0.2.1", "192.0.2.9", "2001:db8::1"]);
  expect(told(["192.0.2.7", "192.0.2.8"])).toEqual(["192.0.2.1", "192.0.2.7", "192.0.2.8", "2001:db8::1"]);
  expect(told([])).toEqual(["192.0.2.1", "2001:db8::1"]);
});

test("of very many addresses a node tells some", () => {
  const hostIpv6 = Array.from({ length: 100 }, (_, at) => `2001:db8::${at + 1}`);
  const hostIpv4 = hostIpv6.map((_, at) => `192.0.2.${at + 2}`);
  const now = {
    overlay: undefined,
    published: { ...published(hostIpv6), hostIpv4 },
    reported: [],
    devices: NOTHING,
    nowMs: 0,
  };
  expect(nodeStatus(FACTS, now).addresses.length).toBeLessThan(70);
});

test.each([true, false])(
  "a node says that services lead no SCTP there where its kernel tracks none (tracked: %s)",
  (tracksSctp) => {
    const overlay = { vtepMAC: "", mtu: 1_450, leadsBack: true, leadsBackIpv6: false, tracksSctp };
    const { conditions } = nodeStatus(FACTS, { overlay, reported: [], devices: NOTHING, nowMs: 0 });
    const found = conditions.filter(({ type }) => type === "SCTPUnavailable");
    expect(found.map(({ status, reason }) => `${status} ${reason}`)).toEqual(tracksSctp ? [] : ["True NotTracked"]);
  },
);
