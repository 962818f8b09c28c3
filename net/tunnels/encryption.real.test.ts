import { stat } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  addressesOnWire,
  askFrom,
  briefly,
  captured,
  generationsOf,
  keysChanged,
  keysExchanged,
  makeEncryptedLab,
  pingsAnswered,
  TURN_MS,
} from "../../test/kit/encrypted-lab.js";
import { type Lab, type LabPod, tunnelKeyPath } from "../../test/kit/network-lab.js";
import { networkObject as network } from "../../test/kit/network-world.js";
import { waitFor } from "../../test/kit/wait.js";
import { tunnelDevice } from "../device-names.js";
import { tunnelKeyFile } from "./key-file.js";

// What the pods of two networks say to each other between hosts: one network is encrypted, the other is not.
let lab: Lab;
let near: LabPod;
let far: LabPod;
let plainNear: LabPod;
let plainFar: LabPod;

const exchangeKeys = (): Promise<void> => keysExchanged(lab);

beforeAll(async () => {
  lab = await makeEncryptedLab(3);
  lab.setNetworks([network("safe", { encrypted: true }, 1), network("open", { vni: 5000 }, 2)]);
  await exchangeKeys();
  // Its answers bear its name: that is what a capture looks for.
  near = await lab.host(1).podOn("near", ["10.64.1.2"]);
  far = await lab.host(2).podOn("MARKER-sealed", ["10.64.1.66"]);
  plainNear = await lab.host(1).podOn("plain-near", ["10.64.2.2"]);
  plainFar = await lab.host(2).podOn("MARKER-open", ["10.64.2.66"]);
  for (const { probe } of [near, far, plainNear, plainFar]) {
    await probe.serve("tcp", 8080);
    await probe.serve("udp", 8080);
  }
  for (const host of lab.hosts) await host.network.repair();
}, TURN_MS);
afterAll(() => lab.dispose());

const header = (third: number): string => addressesOnWire(`10.64.${third}.2`, `10.64.${third}.66`);

test("a capture on the link shows what pods of an open network say, and nothing of what those of an encrypted one say", async () => {
  const open = await captured(lab.host(1), async () =>
    expect(await askFrom(plainNear, plainFar.address)).toMatch(/^MARKER/),
  );
  expect(open).toContain("MARKER-open");
  expect(open).toContain(header(2));
  const sealed = await captured(lab.host(1), async () => {
    expect(await askFrom(near, far.address)).toBe("MARKER-sealed 10.64.1.2");
    expect(await askFrom(near, far.address, { protocol: "udp" })).toBe("MARKER-sealed 10.64.1.2");
    expect(await lab.host(1).probe.ask({ host: far.address, port: 8080 })).toMatch(/^MARKER/);
    expect(await lab.host(3).probe.ask({ host: far.address, port: 8080 })).toMatch(/^MARKER/);
  });
  expect(sealed.length).toBeGreaterThan(500);
  expect(sealed).not.toContain("MARKER");
  expect(sealed).not.toContain(header(1));
});

test("the MTU of an encrypted network is what fits into a tunnel, exactly", async () => {
  // 1500 less WireGuard's 60, less the headers of IPv4 and UDP.
  expect(await askFrom(near, far.address, { protocol: "udp", bytes: 1_412 })).toBe("MARKER-sealed 10.64.1.2");
  expect(await near.inside("ip link show eth0")).toContain("mtu 1440");
});

test("networks stay apart, and strangers come in by hosts with and without pods of the network", async () => {
  expect(await askFrom(plainNear, far.address, briefly)).toBe("TIMEOUT");
  expect(await askFrom(near, plainFar.address, briefly)).toBe("TIMEOUT");
  const port = { port: 80, targetPort: 8080, nodePort: 30_080 };
  const ports = [port];
  await lab.setServices([{ name: "web", type: "NodePort", clusterIP: "10.96.0.50", ports, endpoints: [far.address] }]);
  for (const at of [1, 2, 3])
    expect(await lab.stranger.ask({ host: `192.168.9.${at}`, port: 30_080 })).toMatch(/^MARKER-sealed/);
  await lab.setServices([]);
});

test("the private key is root's alone", async () => {
  const path = tunnelKeyPath(lab.host(1).namespace);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  const [key] = await tunnelKeyFile(path).load();
  expect(lab.host(1).published.tunnels).toEqual([{ generation: 1, publicKey: key?.publicKey, port: 51_821 }]);
});

test("without a tunnel nothing leaves in plain text, and a tunnel that is deleted or whose program dies comes back", async () => {
  const device = tunnelDevice("node-1", 1);
  const { namespace, network: own } = lab.host(1);
  const bytes = await captured(lab.host(1), async () => {
    await namespace.run(`ip link delete ${device}; ip route replace 10.64.1.64/26 via 192.168.9.2 dev eth0`);
    // Until the next check mends it, which may be soon, nothing is answered.
    for (const protocol of ["udp", "tcp"] as const)
      expect(await askFrom(near, far.address, { protocol, ...briefly })).toMatch(/^(TIMEOUT|MARKER-sealed .*)$/);
    await lab.host(1).probe.ask({ host: far.address, port: 8080, timeoutMs: 300 });
  });
  expect(bytes).not.toContain("MARKER");
  expect(bytes).not.toContain(header(1));
  await namespace.run("ip route delete 10.64.1.64/26 via 192.168.9.2 dev eth0 2>/dev/null || true");
  await lab.setServices([]);
  await own.repair();
  await waitFor("the tunnel is back", async () => (await askFrom(near, far.address)).startsWith("MARKER"));
});

test("a new agent interrupts no tunnel", async () => {
  await far.probe.serve("tcp", 9090);
  await near.probe.open({ host: far.address, port: 9090 });
  const before = await lab.host(1).namespace.run(`wg show ${tunnelDevice("node-1", 1)} latest-handshakes | sort`);
  await lab.host(1).restart();
  expect(await near.probe.talk()).toBe("TALKED");
  await exchangeKeys();
  expect(await near.probe.talk()).toBe("TALKED");
  expect(await lab.host(1).namespace.run(`wg show ${tunnelDevice("node-1", 1)} latest-handshakes | sort`)).toBe(before);
});

test("keys that have come of age are changed on all hosts while packets flow, and none is lost", async () => {
  const path = tunnelKeyPath(lab.host(1).namespace);
  const answered = await pingsAnswered(near, far.address, () => keysChanged(lab, far.address));
  expect(await askFrom(near, far.address)).toBe("MARKER-sealed 10.64.1.2");
  // The last were on their way when it was told to stop: without a gap before them none was lost.
  expect(answered.length).toBeGreaterThan(20);
  expect(answered).toEqual(answered.map((_, at) => at + 1));
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

test("with the last encrypted network the tunnels go", async () => {
  lab.setNetworks([network("open", { vni: 5000 }, 2)]);
  await exchangeKeys();
  expect(generationsOf(lab)).toEqual([[], [], []]);
  expect(await lab.host(2).namespace.run("ip -o link")).not.toContain("tsw");
});
