import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type Lab, type LabPod, makeLab } from "../test/kit/network-lab.js";
import { waitFor } from "../test/kit/wait.js";

// Two hosts, a pod on each, a service before the far one; and bad weather between them.
let lab: Lab;
let near: LabPod;
let far: LabPod;

const web = {
  name: "web",
  clusterIP: "10.96.0.50",
  ports: [
    { name: "web", port: 80, targetPort: 8080 },
    { name: "web-udp", port: 80, targetPort: 8080, protocol: "UDP" },
  ],
};
const endpoint = "10.128.2.9";

beforeAll(async () => {
  lab = await makeLab(2);
  await lab.setServices([{ ...web, endpoints: [endpoint] }]);
  near = await lab.host(1).pod("near", 9);
  far = await lab.host(2).pod("far", 9);
  for (const { probe } of [near, far]) {
    await probe.serve("tcp", 8080);
    await probe.serve("udp", 8080);
  }
});
afterAll(() => lab.dispose());
afterEach(async () => {
  await lab.fabric.run("nft delete table netdev weather 2>/dev/null || true");
});

const reaches = async (protocol: "tcp" | "udp"): Promise<boolean> =>
  (await near.probe.ask({ host: web.clusterIP, port: 80, protocol, timeoutMs: 2_000 })) === `far ${near.address}`;

/** Of the open connection, which sends again after longer and longer waits what was lost. */
const talks = async (): Promise<boolean> => (await near.probe.talk()) === "TALKED";

/** What becomes of packets that come from hosts, as rules of the links' ends. */
async function weather(rule: (from: number) => string): Promise<void> {
  const chains = [1, 2].map(
    (from) => `chain c${from} { type filter hook ingress device "p${from}" priority 0; policy accept; ${rule(from)}; }`,
  );
  await lab.fabric.run(`echo '${`table netdev weather {\n${chains.join("\n")}\n}`}' | nft -f -`);
}

/** Everything is as it should be again, and nothing had to be mended. */
async function healed(): Promise<void> {
  const both = async (): Promise<boolean> => (await reaches("tcp")) && (await reaches("udp"));
  await waitFor("the service to answer", both);
  for (const { network } of lab.hosts) expect(await network.repair()).toBe(0);
}

test("packets that arrive twice are one to those who speak", async () => {
  await weather((from) => `meta protocol ip dup to "p${3 - from}"`);
  for (let round = 0; round < 5; round += 1) {
    expect(await reaches("tcp")).toBe(true);
    expect(await reaches("udp")).toBe(true);
  }
  await lab.fabric.run("nft delete table netdev weather");
  await healed();
});

test("connections survive a third of packets lost both ways, and end well after", async () => {
  await far.probe.serve("tcp", 9090);
  await near.probe.open({ host: far.address, port: 9090 });
  await weather(() => "meta protocol ip numgen random mod 100 < 33 drop");
  await waitFor("the connection to carry something", talks);
  await lab.fabric.run("nft delete table netdev weather");
  await healed();
  await waitFor("the connection to go on", talks);
});

test("a link that flaps leaves nothing behind: the open connection goes on, and new ones come", async () => {
  for (let round = 0; round < 8; round += 1) {
    await lab.fabric.run("ip link set p2 down");
    await near.probe.ask({ host: web.clusterIP, port: 80, timeoutMs: 100 });
    await lab.fabric.run("ip link set p2 up");
  }
  await healed();
  await waitFor("the connection to go on", talks);
});

test("an address that is another pod's at once is that pod's alone: who spoke with the former is told, by TCP and UDP", async () => {
  expect(await reaches("udp")).toBe(true);
  await lab.host(2).network.detach(["far"]);
  await lab.setServices([{ ...web, endpoints: [] }]);
  const next = await lab.host(2).pod("next", 9);
  await next.probe.serve("tcp", 8080);
  await next.probe.serve("udp", 8080);
  expect(next.address).toBe(endpoint);
  // The connection of before is nobody's.
  expect(await near.probe.talk()).not.toBe("TALKED");
  await lab.setServices([{ ...web, endpoints: [endpoint] }]);
  for (const protocol of ["tcp", "udp"] as const)
    await waitFor(
      `the new pod to answer by ${protocol}`,
      async () =>
        (await near.probe.ask({ host: web.clusterIP, port: 80, protocol, timeoutMs: 1_000 })) ===
        `next ${near.address}`,
    );
  for (const { network } of lab.hosts) expect(await network.repair()).toBe(0);
});
