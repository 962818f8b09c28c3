import { expect, test } from "vitest";
import { Endpoint } from "../../proto/gen/tallship/v1/endpointslice.js";
import { Node } from "../../proto/gen/tallship/v1/node.js";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { controlWorld } from "../../test/kit/control-world.js";
import { type SeenClients, seenClients } from "./trace-source.js";

const node = (at: number, leadsBack = true, leadsBackIPv6 = leadsBack) =>
  Node.fromPartial({
    metadata: { name: `host${at}` },
    spec: { podCIDR: `10.128.${at}.0/24`, podCIDRs: [`10.128.${at}.0/24`, `fd00:${at}::/64`] },
    status: { addresses: [{ type: "InternalIP", address: `192.0.2.${at}` }], overlay: { leadsBack, leadsBackIPv6 } },
  });

/** A client on host1: a pod of two families that is on network back, too, or the host itself. */
const asker = Pod.fromPartial({
  metadata: { name: "asks", namespace: "default" },
  spec: { nodeName: "host1" },
  status: {
    podIP: "10.128.1.9",
    podIPs: [{ ip: "10.128.1.9" }, { ip: "fd00:1::a80:109" }],
    networks: [
      { name: "default", ip: "10.128.1.9" },
      { name: "back", ip: "10.64.0.9" },
    ],
  },
});

interface Row {
  readonly what: string;
  readonly from: "pod" | "host";
  readonly to: string;
  readonly on: number;
  readonly kind?: "pod" | "host" | "back";
  readonly want: Partial<SeenClients>;
}

const KEPT = { hiddenWhy: "", outsideHiddenWhy: "" };
const rows: readonly Row[] = [
  { what: "a pod here", from: "pod", to: "10.128.1.2", on: 1, want: { seenAs: "10.128.1.9", ...KEPT } },
  { what: "a pod elsewhere", from: "pod", to: "10.128.2.2", on: 2, want: { seenAs: "10.128.1.9", ...KEPT } },
  {
    what: "a pod of a node that cannot lead back",
    from: "pod",
    to: "10.128.3.2",
    on: 3,
    want: { seenAs: "10.128.1.9", outsideHiddenWhy: expect.stringMatching("node host3 does not lead") },
  },
  {
    what: "itself",
    from: "pod",
    to: "10.128.1.9",
    on: 1,
    want: { seenAs: "10.128.1.1", hiddenWhy: "the pod meets itself" },
  },
  {
    what: "by IPv6",
    from: "pod",
    to: "fd00:2::2",
    on: 2,
    want: { seenAs: "fd00:1::a80:109", ...KEPT },
  },
  {
    what: "by IPv6, a pod of a node that cannot lead back by that",
    from: "pod",
    to: "fd00:4::2",
    on: 4,
    want: {
      seenAs: "fd00:1::a80:109",
      outsideHiddenWhy: expect.stringMatching("node host4 does not lead answers by IPv6"),
    },
  },
  {
    what: "another host's own network",
    from: "pod",
    to: "192.0.2.2",
    on: 2,
    kind: "host",
    want: { seenAs: "192.0.2.1", outsideHiddenWhy: expect.stringMatching("another host's network") },
  },
  {
    what: "a pod on a network of its own",
    from: "pod",
    to: "10.64.0.66",
    on: 2,
    kind: "back",
    want: {
      seenAs: "10.64.0.9",
      hiddenWhy: expect.stringMatching("network back"),
      outsideHiddenWhy: expect.stringMatching("beside"),
    },
  },
  { what: "a host, a pod of its own", from: "host", to: "10.128.1.2", on: 1, want: { seenAs: "192.0.2.1", ...KEPT } },
  {
    what: "a host, a pod elsewhere",
    from: "host",
    to: "10.128.2.2",
    on: 2,
    want: { seenAs: "10.128.1.1", hiddenWhy: expect.stringMatching("its gateway") },
  },
];

test.each(rows)("seen by an endpoint: $from asks, $what", async ({ from, to, on, kind = "pod", want }) => {
  const world = await controlWorld();
  for (const each of [node(1), node(2), node(3, false), node(4, true, false)])
    await world.put({ kind: "Node", object: each });
  const served = Pod.fromPartial({
    metadata: { name: "db", namespace: "default" },
    spec: { hostNetwork: kind === "host", nodeName: `host${on}` },
  });
  await world.put({ kind: "Pod", object: served });
  const endpoint = Endpoint.fromPartial({
    addresses: [to],
    nodeName: `host${on}`,
    targetRef: { kind: "Pod", namespace: "default", name: "db" },
    networks: kind === "back" ? [{ name: "back", address: to }] : [],
  });
  const client = from === "pod" ? { pod: asker, address: "10.128.1.9" } : { pod: undefined, address: "192.0.2.1" };
  const seen = seenClients(world.view, { node: "host1", ...client }, { endpoint, ip: to, isOpen: true });
  expect(seen).toMatchObject(want);
  expect(
    seenClients(world.view, { node: "host1", ...client }, { endpoint, ip: to, isOpen: false }).outsideHiddenWhy,
  ).toBe("");
  world.stop.abort();
});
