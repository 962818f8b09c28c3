import { afterAll, beforeAll, expect, test } from "vitest";
import {
  addressesOnWire,
  askFrom,
  briefly,
  captured,
  keysExchanged,
  makeEncryptedLab,
  TURN_MS,
} from "../../test/kit/encrypted-lab.js";
import type { Lab, LabPod } from "../../test/kit/network-lab.js";
import { networkObject } from "../../test/kit/network-world.js";
import { waitFor } from "../../test/kit/wait.js";
import { tunnelDevice } from "../device-names.js";

// A cluster whose own network is encrypted, with a network beside it that does not ask for that.
let lab: Lab;
let near: LabPod;
let far: LabPod;
let backNear: LabPod;
let backFar: LabPod;

beforeAll(async () => {
  lab = await makeEncryptedLab(3, { encrypted: true });
  lab.setNetworks([networkObject("back", { vni: 5000 }, 1)]);
  await keysExchanged(lab);
  near = await lab.host(1).pod("near", 9);
  // Its answers bear its name: that is what a capture looks for.
  far = await lab.host(2).pod("MARKER-far", 9);
  backNear = await lab.host(1).podOn("back-near", ["10.64.1.2"]);
  backFar = await lab.host(2).podOn("MARKER-back", ["10.64.1.66"]);
  for (const { probe } of [near, far, backNear, backFar]) {
    await probe.serve("tcp", 8080);
    await probe.serve("udp", 8080);
  }
}, TURN_MS);
afterAll(() => lab.dispose());

const web = { name: "web", type: "NodePort", clusterIP: "10.96.0.50" } as const;
const ports = [{ port: 80, targetPort: 8080, nodePort: 30_080 }];

test("a capture on the link shows nothing of what pods and hosts say to pods, on whatever network, by address or by service", async () => {
  await lab.setServices([{ ...web, ports, endpoints: [far.address] }]);
  const bytes = await captured(lab.host(1), async () => {
    expect(await askFrom(near, far.address)).toBe(`MARKER-far ${near.address}`);
    expect(await askFrom(near, far.address, { protocol: "udp" })).toBe(`MARKER-far ${near.address}`);
    expect(await askFrom(backNear, backFar.address)).toBe("MARKER-back 10.64.1.2");
    expect(await near.probe.ask({ host: web.clusterIP, port: 80 })).toBe(`MARKER-far ${near.address}`);
    for (const host of [far.address, web.clusterIP])
      expect(await lab.host(1).probe.ask({ host, port: host === web.clusterIP ? 80 : 8080 })).toBe(
        "MARKER-far 10.128.1.1",
      );
  });
  expect(bytes.length).toBeGreaterThan(500);
  expect(bytes).not.toContain("MARKER");
  expect(bytes).not.toContain(addressesOnWire(near.address, far.address));
  expect(bytes).not.toContain(addressesOnWire(backNear.address, backFar.address));
});

test("the MTU is what fits into a tunnel, exactly", async () => {
  expect(await askFrom(near, far.address, { protocol: "udp", bytes: 1_412 })).toMatch(/^MARKER/);
  expect(await near.inside("ip link show eth0")).toContain("mtu 1440");
});

test("strangers come in by any host's node port, and nobody comes in by VXLAN", async () => {
  for (const at of [1, 2, 3])
    expect(await lab.stranger.ask({ host: `192.168.9.${at}`, port: 30_080 })).toMatch(/^MARKER-far/);
  expect(await lab.host(1).namespace.run("nft list set inet tallship-firewall tunnels")).not.toContain("elements");
});

test("without a tunnel nothing leaves in plain text, whatever routes say, and it comes back", async () => {
  const { namespace, network } = lab.host(1);
  const bytes = await captured(lab.host(1), async () => {
    await namespace.run(
      `ip link delete ${tunnelDevice("node-1", 1)}; ip route replace 10.128.2.0/24 via 192.168.9.2 dev eth0`,
    );
    for (const protocol of ["udp", "tcp"] as const)
      expect(await askFrom(near, far.address, { protocol, ...briefly })).toMatch(/^(TIMEOUT|MARKER-far .*)$/);
    await lab.host(1).probe.ask({ host: far.address, port: 8080, timeoutMs: 300 });
  });
  expect(bytes).not.toContain("MARKER");
  expect(bytes).not.toContain(addressesOnWire(near.address, far.address));
  await namespace.run("ip route delete 10.128.2.0/24 via 192.168.9.2 dev eth0 2>/dev/null || true");
  await lab.setServices([]);
  await network.repair();
  await waitFor("the tunnel is back", async () => (await askFrom(near, far.address)).startsWith("MARKER"));
});

test("a new agent interrupts nothing, before and after its first map", async () => {
  await far.probe.serve("tcp", 9090);
  await near.probe.open({ host: far.address, port: 9090 });
  await lab.host(1).restart();
  expect(await near.probe.talk()).toBe("TALKED");
  await keysExchanged(lab);
  expect(await near.probe.talk()).toBe("TALKED");
  expect(await lab.host(1).network.repair()).toBe(0);
});
