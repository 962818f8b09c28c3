import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { run } from "../kit/shell.js";
import { waitFor } from "../kit/wait.js";
import type { Testbed } from "../testbed/testbed.js";
import { applyText, podYaml, startCluster, waitReady } from "./cluster.js";
import { expectReached, repairedEntries, SERVERS } from "./healed.js";

let testbed: Testbed;

beforeAll(async () => {
  testbed = await startCluster("netfaults", { hostCount: 4 });
  await applyText(testbed, SERVERS);
  await waitReady(testbed, "app=everywhere", 4);
  await waitFor(
    "every pair to be known and well",
    async () => (await pairs()).filter(({ fault }) => fault === "").length === 12,
    {
      deadlineMs: 60_000,
      everyMs: 500,
    },
  );
});

afterAll(async () => {
  await testbed?.down();
});

interface Pair {
  readonly from: string;
  readonly to: string;
  readonly mtu: string;
  readonly fault: string;
  readonly remedy: string;
}

/** What `net check` shows, row by row. */
async function pairs(): Promise<readonly Pair[]> {
  const { stdout } = await testbed.tryTsctl(["net", "check"]);
  return (
    stdout
      .split("\n\n")[0]
      ?.split("\n")
      .slice(1)
      .filter(Boolean)
      .map((line) => {
        const [from = "", to = "", , , , mtu = "", fault = "", remedy = ""] = line.split(/ {3,}/);
        return { from, to, mtu, fault: fault === "-" ? "" : fault, remedy: remedy === "-" ? "" : remedy };
      }) ?? []
  );
}

async function faultOf(from: string, to: string): Promise<string> {
  return (await pairs()).find((pair) => pair.from === from && pair.to === to)?.fault ?? "";
}

/** What the links between hosts do to packets, as rules of the fabric's bridge; replaces what was there. */
async function fabric(...rules: readonly string[]): Promise<void> {
  const chain = ["chain faults {", "type filter hook forward priority 1; policy accept;", ...rules, "}"].join("\n");
  await run("nsenter", [`--net=/run/netns/${testbed.layout.fabricNetns}`, "nft", "-f", "-"], {
    input: `table bridge faults\ndelete table bridge faults\ntable bridge faults {\n${chain}\n}\n`,
  });
}

async function onHost(name: string, script: string): Promise<string> {
  const { exitCode, stdout, stderr } = await testbed.exec(name, ["sh", "-c", script]);
  if (exitCode !== 0) throw new Error(`${name}: ${script}: ${stderr}`);
  return stdout;
}

const within = { deadlineMs: 60_000, everyMs: 500 };
const healed = (): Promise<boolean> =>
  waitFor("no pair to be at fault", async () => (await pairs()).every(({ fault }) => fault === ""), {
    deadlineMs: 90_000,
    everyMs: 500,
  });

/** Waits until every fault has its name. */
async function named(wanted: readonly (readonly [from: string, to: string, fault: string])[]): Promise<void> {
  const said = (): Promise<readonly (readonly string[])[]> =>
    Promise.all(wanted.map(async ([from, to]) => [from, to, await faultOf(from, to)]));
  await expect.poll(said, { timeout: within.deadlineMs, interval: within.everyMs }).toEqual(wanted);
}

async function podSubnet(name: string): Promise<string> {
  return JSON.parse(await testbed.tsctl(["get", "node", name, "-o", "json"])).spec.podCIDR;
}

const gateway = async (name: string): Promise<string> => (await podSubnet(name)).replace(/0\/\d+$/, "1");

describe("faults of links have their names within a minute, all at the same time, and are gone when they are healed", () => {
  test("links", { timeout: 240_000 }, async () => {
    const repaired = await repairedEntries(testbed);
    // One fault for each pair of hosts.
    await fabric(
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
    await named(wanted);
    await waitFor("the remedy", async () => (await pairs()).some(({ remedy }) => remedy === "route MTU 1350"), within);
    // Pods may send what passes, and are told so by their own host.
    const toSecond = new RegExp(`${(await podSubnet("host2")).replace("/", "\\/")} .* mtu 1350`);
    await expect.poll(() => onHost("host1", "ip route show proto 84")).toMatch(toSecond);
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
    await fabric();
    await expectReached(testbed);
    await healed();
    // The tables were as they should be all the time: each is compared with what is wanted every five seconds, every element once a minute.
    expect(await repairedEntries(testbed)).toEqual(repaired);
    await expect.poll(() => onHost("host1", "ip route show proto 84")).not.toContain("mtu");
    expect((await testbed.tryTsctl(["net", "check"])).exitCode).toBe(0);
  });
});

describe("faults of hosts", () => {
  test("a route that leads astray, filters, spoiled packets and a name server that is down", {
    timeout: 240_000,
  }, async () => {
    const [second, third, fourth] = await Promise.all(["host2", "host3", "host4"].map(gateway));
    const subnet = await podSubnet("host4");
    await onHost("host3", `ip route add ${subnet.replace(/\/\d+$/, "/24")} via 172.30.0.12`);
    await onHost(
      "host4",
      `nft -f - <<'END'
table inet faults {
  chain c {
    type filter hook input priority 0; policy accept;
    iifname "tallship0" ip saddr ${second} udp dport 7447 drop
    iifname "tallship0" ip saddr ${second} tcp dport 7447 drop
  }
}
END`,
    );
    await onHost(
      "host1",
      `nft -f - <<'END'
table netdev faults {
  chain c {
    type filter hook ingress device "tallship0" priority 0; policy accept;
    ip saddr ${third} udp dport 7447 @th,600,32 set 0x01020304
  }
}
END`,
    );
    await onHost("host2", "echo nameserver 172.30.0.2 > /etc/resolv.conf");
    const wanted = [
      ["host3", "host4", "WrongRoute"],
      ["host2", "host4", "OverlayFiltered"],
      ["host3", "host1", "ChecksumOffload"],
      ["host1", "host2", ""],
    ] as const;
    await named(wanted);
    expect(fourth).toMatch(/^10\.128\./);
    await waitFor(
      "the name server to be told of",
      async () => (await testbed.tryTsctl(["net", "check"])).stdout.includes("host2: DnsUpstreamDown: "),
      within,
    );
    await waitFor(
      "the card to compute no checksums",
      async () => (await onHost("host3", "ethtool -k tallship0")).includes("tx-checksumming: off"),
      within,
    );
    // The host's owner may forbid it; then it is undone.
    await testbed.tsctl(["annotate", "node", "host3", "tallship.dev/network-remedies=off"]);
    await waitFor(
      "checksums to be the card's again",
      async () => (await onHost("host3", "ethtool -k tallship0")).includes("tx-checksumming: on"),
      within,
    );
    await onHost("host3", `ip route del ${subnet.replace(/\/\d+$/, "/24")}`);
    await onHost("host4", "nft delete table inet faults");
    await onHost("host1", "nft delete table netdev faults");
    await onHost("host2", "echo > /etc/resolv.conf");
    await expectReached(testbed);
    await healed();
  });

  test("an agent that does not run is told apart from a host that is away", { timeout: 180_000 }, async () => {
    await testbed.process("host4", "supervise", "kill");
    await testbed.process("host4", "agent", "kill");
    await testbed.power("host3", "poweroff");
    await waitFor("the agent to be missed", async () => (await faultOf("host1", "host4")) === "PeerAgentDown", within);
    await waitFor("the host to be missed", async () => (await faultOf("host1", "host3")) === "PeerUnreachable", within);
    await testbed.process("host4", "agent", "start");
    await testbed.power("host3", "start");
    await healed();
  });
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
  await applyText(testbed, [pod("near", "host1"), pod("far", "host2")].join("---\n"));
  const table = async (): Promise<string> => (await testbed.tryTsctl(["net", "check"])).stdout;
  const isWell = async (): Promise<boolean> =>
    /default\/back +host1 +host2 +[\d.]+ms +\d+% +-/.test(await table()) &&
    /default\/back +host2 +host1 +[\d.]+ms +\d+% +-/.test(await table());
  await waitFor("the network to be probed by both", isWell, { deadlineMs: 90_000, everyMs: 500 });
  await onHost(
    "host2",
    `nft 'table inet faults { chain c { type filter hook input priority 0; iifname "tsn*" drop; }; }'`,
  );
  await waitFor(
    "it to be named",
    async () => /default\/back +host1 +host2 .* NetworkBlocked/.test(await table()),
    within,
  );
  await expect.poll(table).toMatch(/host1: packets of network default\/back to host2 by tsn\w+ are not answered/);
  expect(await faultOf("host1", "host2")).toBe("");
  await expect.poll(() => testbed.tsctl(["events", "-A"])).toMatch(/NetworkBlocked +node\/host1 +packets of network/);
  await onHost("host2", "nft delete table inet faults");
  await waitFor("it to be well again", isWell, { deadlineMs: 90_000, everyMs: 500 });
  const { status } = JSON.parse(await testbed.tsctl(["get", "network", "back", "-o", "json"]));
  const slices: readonly { readonly nodeName: string; readonly cidr: string }[] = status.slices;
  const stray = (slices.find(({ nodeName }) => nodeName === "host2")?.cidr ?? "").replace(/\/\d+$/, "/30");
  await onHost("host1", `ip route add ${stray} via 172.30.0.1`);
  await waitFor(
    "the route to be named",
    async () => /default\/back +host1 +host2 .* WrongRoute/.test(await table()),
    within,
  );
  await onHost("host1", `ip route del ${stray}`);
  await waitFor("it to be well once more", isWell, { deadlineMs: 90_000, everyMs: 500 });
  // Where its last pod is gone nobody needs the way any more.
  await testbed.tsctl(["delete", "pod", "far"]);
  await waitFor("nobody to probe it", async () => !(await table()).includes("default/back"), within);
});

test("a host whose address changes is known by the new one, and its pods are reached", {
  timeout: 180_000,
}, async () => {
  const addressOf = async (name: string): Promise<string> =>
    JSON.parse(await testbed.tsctl(["get", "node", name, "-o", "json"])).status.overlay.underlayIP;
  const reaches = async (from: string, to: string): Promise<boolean> =>
    (await testbed.exec(from, ["ping", "-c1", "-W1", "-I", await gateway(from), await gateway(to)])).exitCode === 0;
  await onHost(
    "host2",
    "ip address del 172.30.0.12/24 dev eth0; ip address add 172.30.0.52/24 dev eth0; ip route replace default via 172.30.0.1",
  );
  await waitFor("the node to tell its new address", async () => (await addressOf("host2")) === "172.30.0.52", within);
  for (const peer of ["host1", "host3", "host4"])
    await waitFor(
      `host2 and ${peer} to reach each other`,
      async () => (await reaches("host2", peer)) && (await reaches(peer, "host2")),
      within,
    );
  await healed();
  expect(JSON.parse(await onHost("host2", "cat /etc/tallship/host.json")).advertiseAddress).toBe("172.30.0.52");
});

test("a host that leaves and joins again under another address is reached there", { timeout: 180_000 }, async () => {
  const host = testbed.host("host4");
  await testbed.daemon(host, ["reset", "--yes"]);
  await testbed.tsctl(["delete", "node", "host4"]);
  await onHost(
    "host4",
    "ip address del 172.30.0.14/24 dev eth0; ip address add 172.30.0.64/24 dev eth0; ip route replace default via 172.30.0.1",
  );
  const token = (await testbed.tsctl(["token", "create", "--role", "worker"])).trim().split("\n").at(-1) ?? "";
  await testbed.daemon(host, ["join", token, "--advertise-address", "172.30.0.64"]);
  await waitFor("host4 to be one of the pairs again", async () => (await pairs()).length === 12, within);
  await healed();
  for (const peer of ["host1", "host2", "host3"]) {
    const ping = ["ping", "-c1", "-W1", "-I", await gateway(peer), await gateway("host4")];
    await waitFor(`${peer} to reach host4`, async () => (await testbed.exec(peer, ping)).exitCode === 0, within);
  }
});
