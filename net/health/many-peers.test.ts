import { expect, test } from "vitest";
import { silentLog } from "../../lib/log.js";
import { seededRng } from "../../lib/rng.js";
import { Node } from "../../proto/gen/tallship/v1/node.js";
import { ManualClock } from "../../test/kit/manual-clock.js";
import { NodeHealth } from "./node-health.js";
import { decodeProbe, encodeProbe, nodeIdOf } from "./probe-packet.js";
import type { ProbeReceiver, ProbeWire } from "./probe-wire.js";
import { NO_REMEDIES } from "./remedies.js";

const PEERS = 499;

/** One node of five hundred; the others answer whatever they are sent, but for TCP to those that `isDeaf` names; packets to those that `isAstray` names leave by another device. */
function oneOfMany(isDeaf: (name: string) => boolean, isAstray: (name: string) => boolean = () => false) {
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
      const answerer = nodeIdOf(nameOf.get(to.address) ?? "");
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
  const named = new Map<string, string>();
  const self = { nodeName: nameAt(0), podCIDR: "10.128.0.0/24", clusterCIDR: "10.128.0.0/9" };
  const health = new NodeHealth(
    {
      ...{ self, port: 7_447, way: "overlay" },
      addresses: addressesAt(0),
      fullBytes: { underlay: 1_500, overlay: 1_450 },
    },
    {
      ...{ clock, rng: seededRng(1), log: silentLog, wire, held: NO_REMEDIES, remedy: () => undefined },
      evidence: {
        routes: async (peers) =>
          peers.map(({ overlay }) => ({
            overlay: { device: isAstray(nameOf.get(overlay) ?? "") ? "eth1" : "tallship0", via: "" },
          })),
        route: async () => undefined,
        ping: async () => "passed",
        checksumErrors: () => 0,
        prefixLength: () => 16,
        askNameServer: async () => undefined,
        nameServers: () => [],
      },
      listener: {
        looked: (peers) => {
          for (const { peer, fault } of peers) if (fault !== undefined) named.set(peer, fault.kind);
        },
        waysLooked: () => undefined,
      },
    },
  );
  health.setNodes(nodes, true);
  health.start();
  return { clock, health, named, counts };
}

test("among five hundred nodes TCP that does not reach one of them is named within a minute, whichever it is", async () => {
  const deaf = ["node-007", "node-120", "node-255", "node-256", "node-380", "node-499"];
  let isCut = false;
  const { clock, health, named } = oneOfMany((name) => isCut && deaf.includes(name));
  await clock.advance(47_000);
  isCut = true;
  for (let passedMs = 0; passedMs < 60_000 && named.size < deaf.length; passedMs += 500) await clock.advance(500);
  health.stop();
  expect([...named].sort()).toEqual(deaf.map((name) => [name, "TcpBlocked"]));
});

test("so is a route that leads astray, though packets arrive all the same", async () => {
  let isThere = false;
  const { clock, health, named } = oneOfMany(
    () => false,
    (name) => isThere && ["node-120", "node-380"].includes(name),
  );
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
  const { clock, health, named, counts } = oneOfMany(() => false);
  await clock.advance(80_000);
  health.stop();
  expect(counts.knocks).toBeGreaterThan(80 * 10);
  expect(counts.knocks).toBeLessThanOrEqual(80 * 30);
  expect([...named]).toEqual([]);
});
