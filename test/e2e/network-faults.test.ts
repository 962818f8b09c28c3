import { afterAll, beforeAll, expect, test } from "vitest";
import { waitFor } from "../kit/wait.js";
import type { Testbed } from "../testbed/testbed.js";
import { applyText, podYaml, waitReady } from "./cluster.js";
import { expectHealed, expectReached, repairedEntries } from "./healed.js";
import {
  allWell,
  fabric,
  faultOf,
  gateway,
  named,
  onHost,
  pairs,
  podSubnet,
  startWellCluster,
  WITHIN,
} from "./net-check.js";

let testbed: Testbed;

beforeAll(async () => {
  testbed = await startWellCluster("netfaults");
});

afterAll(async () => {
  await testbed?.down();
});

/** What has been put back before the links were at fault, and the wait until they are shown as well again: it takes a minute, and others need not wait for it. */
let repaired: Readonly<Record<string, number>>;
let healing: Promise<void>;

test("faults of links have their names within a minute, all at the same time, and every host is reached when they are healed", {
  timeout: 240_000,
}, async () => {
  repaired = await repairedEntries(testbed);
  // One fault for each pair of hosts.
  await fabric(
    testbed,
    'iifname "h1" oifname "h2" meta length > 1400 drop',
    'iifname "h1" oifname "h3" udp dport 4789 drop',
    'iifname "h1" oifname "h4" udp dport { 4789, 7447 } numgen random mod 100 < 25 drop',
    'iifname { "h2", "h3" } oifname { "h2", "h3" } ip protocol udp drop',
    'iifname "h2" oifname "h4" ip protocol { udp, tcp, icmp } drop',
  );
  const wanted = [
    ["host1", "host2", "MtuBlackHole"],
    ["host1", "host3", "VxlanBlocked"],
    ["host1", "host4", "AsymmetricLoss"],
    ["host2", "host3", "UdpBlocked"],
    ["host3", "host2", "UdpBlocked"],
    ["host2", "host4", "OneWay"],
    // It cannot know by itself that its packets arrive: its peer tells.
    ["host4", "host2", "OneWay"],
    ["host3", "host4", ""],
    ["host4", "host3", ""],
  ] as const;
  await named(testbed, wanted);
  await waitFor(
    "the remedy",
    async () => (await pairs(testbed)).some(({ remedy }) => remedy === "route MTU 1350"),
    WITHIN,
  );
  // Pods may send what passes, and are told so by their own host.
  const toSecond = new RegExp(`${(await podSubnet(testbed, "host2")).replace("/", "\\/")} .* mtu 1350`);
  await expect.poll(() => onHost(testbed, "host1", "ip route show proto 84")).toMatch(toSecond);
  const conditions = async (): Promise<unknown> =>
    JSON.parse(await testbed.tsctl(["get", "node", "host1", "-o", "json"])).status.conditions;
  await expect.poll(conditions).toContainEqual(
    expect.objectContaining({
      type: "NetworkFault",
      status: "True",
      message: expect.stringContaining("MtuBlackHole: host2"),
    }),
  );
  const events = (): Promise<string> => testbed.tsctl(["events", "-A"]);
  await expect.poll(events).toMatch(/MtuBlackHole +node\/host1 +packets over 1400 bytes to host2/);
  await expect.poll(events).toMatch(/NetworkRemedyApplied +node\/host1 +for host2: route MTU 1350/);
  expect((await testbed.tryTsctl(["net", "check"])).exitCode).toBe(1);
  await fabric(testbed);
  await expectReached(testbed);
  healing = allWell(testbed);
  healing.catch(() => undefined); // It is awaited below.
});

test("a network beside the cluster's own that is broken is named by its own name, while the cluster's is well", {
  timeout: 300_000,
}, async () => {
  await testbed.tsctl(["network", "create", "back"]);
  const pod = (name: string, host: string): string =>
    podYaml(name, ["sleep", "10000"], "", `  nodeSelector: { kubernetes.io/hostname: "${host}" }\n`).replace(
      "  labels:",
      '  annotations: { tallship.dev/networks: "default,back" }\n  labels:',
    );
  await applyText(testbed, [pod("near", "host3"), pod("far", "host4")].join("---\n"));
  const table = async (): Promise<string> => (await testbed.tryTsctl(["net", "check"])).stdout;
  const isWell = async (): Promise<boolean> =>
    /default\/back +host3 +host4 +[\d.]+ms +\d+% +-/.test(await table()) &&
    /default\/back +host4 +host3 +[\d.]+ms +\d+% +-/.test(await table());
  await waitFor("the network to be probed by both", isWell, { deadlineMs: 90_000, everyMs: 500 });
  await onHost(
    testbed,
    "host4",
    `nft 'table inet faults { chain c { type filter hook input priority 0; iifname "tsn*" drop; }; }'`,
  );
  await waitFor(
    "it to be named",
    async () => /default\/back +host3 +host4 .* NetworkBlocked/.test(await table()),
    WITHIN,
  );
  await expect.poll(table).toMatch(/host3: packets of network default\/back to host4 by tsn\w+ are not answered/);
  expect(await faultOf(testbed, "host3", "host4")).toBe("");
  await expect.poll(() => testbed.tsctl(["events", "-A"])).toMatch(/NetworkBlocked +node\/host3 +packets of network/);
  await onHost(testbed, "host4", "nft delete table inet faults");
  await waitFor("it to be well again", isWell, { deadlineMs: 90_000, everyMs: 500 });
  const { status } = JSON.parse(await testbed.tsctl(["get", "network", "back", "-o", "json"]));
  const slices: readonly { readonly nodeName: string; readonly cidr: string }[] = status.slices;
  const stray = (slices.find(({ nodeName }) => nodeName === "host4")?.cidr ?? "").replace(/\/\d+$/, "/30");
  await onHost(testbed, "host3", `ip route add ${stray} via 172.30.0.1`);
  await waitFor(
    "the route to be named",
    async () => /default\/back +host3 +host4 .* WrongRoute/.test(await table()),
    WITHIN,
  );
  await onHost(testbed, "host3", `ip route del ${stray}`);
  await waitFor("it to be well once more", isWell, { deadlineMs: 90_000, everyMs: 500 });
  // Where its last pod is gone nobody needs the way any more.
  await testbed.tsctl(["delete", "pod", "far"]);
  await waitFor("nobody to probe it", async () => !(await table()).includes("default/back"), WITHIN);
});

test("links that are healed are shown so, and no agent had anything to put back", { timeout: 180_000 }, async () => {
  await healing;
  // The tables were as they should be all the time: each is compared with what is wanted every five seconds, every element once a minute.
  expect(await repairedEntries(testbed)).toEqual(repaired);
  await expect.poll(() => onHost(testbed, "host1", "ip route show proto 84")).not.toContain("mtu");
  expect((await testbed.tryTsctl(["net", "check"])).exitCode).toBe(0);
});

test("a host whose address changes is reached within seconds, and known by the new one", {
  timeout: 180_000,
}, async () => {
  const addressOf = async (name: string): Promise<string> =>
    JSON.parse(await testbed.tsctl(["get", "node", name, "-o", "json"])).status.overlay.underlayIP;
  await moveTo("host2", "172.30.0.12", "172.30.0.52");
  await expectReached(testbed);
  expect(await addressOf("host2")).toBe("172.30.0.52");
  await allWell(testbed);
  expect(JSON.parse(await onHost(testbed, "host2", "cat /etc/tallship/host.json")).advertiseAddress).toBe(
    "172.30.0.52",
  );
});

test("a host that leaves and joins again under another address is reached there within seconds", {
  timeout: 180_000,
}, async () => {
  const host = testbed.host("host4");
  await testbed.daemon(host, ["reset", "--yes"]);
  await testbed.tsctl(["delete", "node", "host4"]);
  await moveTo("host4", "172.30.0.14", "172.30.0.64");
  const token = (await testbed.tsctl(["token", "create", "--role", "worker"])).trim().split("\n").at(-1) ?? "";
  await testbed.daemon(host, ["join", token, "--advertise-address", "172.30.0.64"]);
  await expectHealed("every host to reach the gateway of host4", async () => {
    const to = await gateway(testbed, "host4");
    const peers = ["host1", "host2", "host3"];
    const codes = await Promise.all(
      peers.map(async (peer) => {
        const ping = ["ping", "-c1", "-W1", "-I", await gateway(testbed, peer), to];
        return (await testbed.exec(peer, ping)).exitCode;
      }),
    );
    return peers.filter((_, at) => codes[at] !== 0);
  });
  await waitReady(testbed, "app=everywhere", 4);
  await expectReached(testbed);
  await allWell(testbed);
});

/** A host's link gets another address. */
async function moveTo(host: string, was: string, is: string): Promise<void> {
  const change = `ip address del ${was}/24 dev eth0; ip address add ${is}/24 dev eth0`;
  await onHost(testbed, host, `${change}; ip route replace default via 172.30.0.1`);
}
