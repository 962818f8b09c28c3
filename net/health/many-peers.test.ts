import { expect, test } from "vitest";
import { silentLog } from "../../lib/log.js";
import { seededRng } from "../../lib/rng.js";
import { Node } from "../../proto/gen/tallship/v1/node.js";
import { ManualClock } from "../../test/kit/manual-clock.js";
import type { FaultKind } from "./diagnose.js";
import { NodeHealth } from "./node-health.js";
import type { PodWay } from "./peer-view.js";
import { decodeProbe, encodeProbe, nodeIdOf, PROBE_HEADERS_BYTES, type Way } from "./probe-packet.js";
import type { ProbeReceiver, ProbeWire } from "./probe-wire.js";
import { NO_REMEDIES } from "./remedies.js";

const PEERS = 499;

/** A packet on its way to another node. */
interface Sent {
  readonly to: string;
  readonly way: Way;
  /** Of the IP packet. */
  readonly bytes: number;
}

interface Many {
  /** Nodes that TCP does not reach. */
  readonly isDeaf?: (name: string) => boolean;
  /** Nodes to which packets leave by another device. */
  readonly isAstray?: (name: string) => boolean;
  readonly isLost?: (packet: Sent) => boolean;
  /** What ping says of the overlay. */
  readonly ping?: "passed" | "silent";
  readonly way?: PodWay;
}

const nobody = (): boolean => false;

/** One node of five hundred; the others answer whatever they are sent, but for what is amiss. */
function oneOfMany({ isDeaf = nobody, isAstray = nobody, isLost = nobody, ...rest }: Many = {}) {
  const clock = new ManualClock();
  const addressesAt = (at: number) => ({
    underlay: `192.168.${at >> 8}.${at & 255}`,
    overlay: `10.${128 + (at >> 8)}.${at & 255}.1`,
  });
  const nameAt = (at: number): string => `node-${String(at).padStart(3, "0")}`;
  const nameOf = new Map(
    Array.from({ length: PEERS + 1 }, (_, at) =>
      Object.values(addressesAt(at)).map((ip) => [ip, nameAt(at)] as const),
    ).flat(),
  );
  const nodes = new Map(
    Array.from({ length: PEERS + 1 }, (_, at) => {
      const { underlay: underlayIP, overlay } = addressesAt(at);
      const probed = { underlayIP, vtepMAC: "02:00:00:00:00:01", mtu: 1_450, probePort: 7_447 };
      const node = Node.fromPartial({
        metadata: { name: nameAt(at) },
        spec: { podCIDR: overlay.replace(/1$/, "0/24") },
        status: { overlay: probed, conditions: [{ type: "Ready", status: "True" }] },
      });
      return [nameAt(at), node] as const;
    }),
  );
  let receiver: ProbeReceiver | undefined;
  const counts = { knocks: 0 };
  const outcomeOf = async (address: string) => {
    const isSilent = isDeaf(nameOf.get(address) ?? "");
    await clock.sleep(isSilent ? 3_000 : 1, new AbortController().signal);
    return isSilent ? ("silent" as const) : ("passed" as const);
  };
  const wire: ProbeWire = {
    open: async (_addresses, _port, receive) => {
      receiver = receive;
    },
    send: (way, to, bytes) => {
      const request = decodeProbe(bytes)?.packet;
      if (request === undefined) return;
      const name = nameOf.get(to.address) ?? "";
      if (isLost({ to: name, way, bytes: bytes.length + PROBE_HEADERS_BYTES })) return;
      const answerer = nodeIdOf(name);
      const answer = encodeProbe({ ...request, is: "answer", to: answerer, heardAtMs: clock.nowMs(), epoch: 1 });
      clock.after(1, () => receiver?.packet(way, answer, to));
    },
    connect: async (_path, { address }) => ({ outcome: await outcomeOf(address) }),
    knock: (_path, { address }) => {
      counts.knocks += 1;
      return outcomeOf(address);
    },
    close: () => undefined,
  };
  const named = new Map<string, FaultKind>();
  /** All that was ever said of peers; nothing: that there is no fault any more. */
  const said: (FaultKind | "nothing")[] = [];
  let remedies = NO_REMEDIES;
  const self = { nodeName: nameAt(0), podCIDR: "10.128.0.0/24", clusterCIDR: "10.128.0.0/9" };
  const health = new NodeHealth(
    {
      ...{ self, port: 7_447, way: rest.way ?? "overlay" },
      addresses: addressesAt(0),
      fullBytes: { underlay: 1_500, overlay: 1_450 },
    },
    {
      ...{ clock, rng: seededRng(1), log: silentLog, wire, held: NO_REMEDIES },
      remedy: (next) => {
        remedies = next;
      },
      evidence: {
        routes: async (peers) =>
          peers.map(({ overlay }) => ({
            overlay: { device: isAstray(nameOf.get(overlay) ?? "") ? "eth1" : "tallship0", via: "" },
          })),
        route: async () => undefined,
        ping: async () => rest.ping ?? "silent",
        checksumErrors: () => 0,
        prefixLength: () => 16,
        askNameServer: async () => undefined,
        nameServers: () => [],
      },
      listener: {
        looked: (peers) => {
          for (const { peer, fault } of peers) {
            if (fault?.kind === named.get(peer)) continue;
            said.push(fault?.kind ?? "nothing");
            if (fault === undefined) named.delete(peer);
            else named.set(peer, fault.kind);
          }
        },
        waysLooked: () => undefined,
      },
    },
  );
  health.setNodes(nodes, true);
  health.start();
  return { clock, health, named, said, counts, remedies: () => remedies };
}

test("among five hundred nodes TCP that does not reach one of them is named within a minute, whichever it is", async () => {
  const deaf = ["node-007", "node-120", "node-255", "node-256", "node-380", "node-499"];
  let isCut = false;
  const { clock, health, named } = oneOfMany({ isDeaf: (name) => isCut && deaf.includes(name) });
  await clock.advance(47_000);
  isCut = true;
  for (let passedMs = 0; passedMs < 60_000 && named.size < deaf.length; passedMs += 500) await clock.advance(500);
  health.stop();
  expect([...named].sort()).toEqual(deaf.map((name) => [name, "TcpBlocked"]));
});

test("so is a route that leads astray, though packets arrive all the same", async () => {
  let isThere = false;
  const isAstray = (name: string): boolean => isThere && ["node-120", "node-380"].includes(name);
  const { clock, health, named } = oneOfMany({ isAstray });
  await clock.advance(53_000);
  isThere = true;
  for (let passedMs = 0; passedMs < 60_000 && named.size < 2; passedMs += 500) await clock.advance(500);
  health.stop();
  expect([...named].sort()).toEqual([
    ["node-120", "WrongRoute"],
    ["node-380", "WrongRoute"],
  ]);
});

test("it costs thirty knocks a second at most, and names nobody while all is well", async () => {
  const { clock, health, named, counts } = oneOfMany();
  await clock.advance(80_000);
  health.stop();
  expect(counts.knocks).toBeGreaterThan(80 * 10);
  expect(counts.knocks).toBeLessThanOrEqual(80 * 30);
  expect([...named]).toEqual([]);
});

// 1,480 bytes are more than pods' full packets have over the link itself, and less than hosts' own.
const lasting: readonly (Pick<Many, "ping"> & {
  readonly way: PodWay;
  readonly what: string;
  readonly want: FaultKind;
  readonly isLost: (packet: Sent) => boolean;
  /** TCP does not pass either. */
  readonly isDeaf?: boolean;
})[] = [
  { what: "VXLAN that is blocked", way: "overlay", want: "VxlanBlocked", isLost: ({ way }) => way === "overlay" },
  {
    ...{ what: "a filter in the overlay", way: "overlay", want: "OverlayFiltered", ping: "passed" },
    isLost: ({ way }) => way === "overlay",
  },
  { what: "a host that is away", way: "overlay", want: "PeerUnreachable", isLost: () => true, isDeaf: true },
  { what: "TCP that does not pass", way: "overlay", want: "TcpBlocked", isLost: nobody, isDeaf: true },
  {
    ...{ what: "a black hole", way: "overlay", want: "MtuBlackHole" },
    isLost: ({ way, bytes }) => (way === "overlay" ? bytes + 50 : bytes) > 1_480,
  },
  {
    ...{ what: "a black hole of the link that hosts share", way: "link", want: "MtuBlackHole" },
    isLost: ({ bytes }) => bytes > 1_480,
  },
];
for (const { what, way, want, isLost, isDeaf = false, ping } of lasting)
  test(`among five hundred nodes ${what} is named within a minute, and nothing else is said while it lasts`, async () => {
    const ill = "node-380";
    let isThere = false;
    const many = oneOfMany({
      ...{ way, ...(ping && { ping }) },
      isLost: (packet) => isThere && packet.to === ill && isLost(packet),
      isDeaf: (name) => isThere && isDeaf && name === ill,
    });
    const { clock, health, said } = many;
    await clock.advance(47_000);
    isThere = true;
    for (let passedMs = 0; passedMs < 60_000 && said.length === 0; passedMs += 500) await clock.advance(500);
    expect(said).toEqual([want]);
    await clock.advance(300_000);
    expect(said).toEqual([want]);
    isThere = false;
    for (let passedMs = 0; passedMs < 90_000 && said.length === 1; passedMs += 500) await clock.advance(500);
    health.stop();
    expect(said).toEqual([want, "nothing"]);
    expect(many.remedies().pathMtus.size).toBe(0);
  });
