import { afterAll, beforeAll, expect, test } from "vitest";
import { waitFor } from "../kit/wait.js";
import type { Testbed } from "../testbed/testbed.js";
import { expectReached } from "./healed.js";
import { allWell, faultOf, gateway, named, onHost, podSubnet, startWellCluster, WITHIN } from "./net-check.js";

let testbed: Testbed;

beforeAll(async () => {
  testbed = await startWellCluster("hostfaults");
});

afterAll(async () => {
  await testbed?.down();
});

test("a route that leads astray, filters, spoiled packets and a name server that is down", {
  timeout: 240_000,
}, async () => {
  const [second, third, fourth] = await Promise.all(["host2", "host3", "host4"].map((name) => gateway(testbed, name)));
  const subnet = await podSubnet(testbed, "host4");
  await onHost(testbed, "host3", `ip route add ${subnet.replace(/\/\d+$/, "/24")} via 172.30.0.12`);
  await onHost(
    testbed,
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
    testbed,
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
  await onHost(testbed, "host2", "echo nameserver 172.30.0.2 > /etc/resolv.conf");
  const wanted = [
    ["host3", "host4", "WrongRoute"],
    ["host2", "host4", "OverlayFiltered"],
    ["host3", "host1", "ChecksumOffload"],
    ["host1", "host2", ""],
  ] as const;
  await named(testbed, wanted);
  expect(fourth).toMatch(/^10\.128\./);
  await waitFor(
    "the name server to be told of",
    async () => (await testbed.tryTsctl(["net", "check"])).stdout.includes("host2: DnsUpstreamDown: "),
    WITHIN,
  );
  await waitFor(
    "the card to compute no checksums",
    async () => (await onHost(testbed, "host3", "ethtool -k tallship0")).includes("tx-checksumming: off"),
    WITHIN,
  );
  // The host's owner may forbid it; then it is undone.
  await testbed.tsctl(["annotate", "node", "host3", "tallship.dev/network-remedies=off"]);
  await waitFor(
    "checksums to be the card's again",
    async () => (await onHost(testbed, "host3", "ethtool -k tallship0")).includes("tx-checksumming: on"),
    WITHIN,
  );
  await onHost(testbed, "host3", `ip route del ${subnet.replace(/\/\d+$/, "/24")}`);
  await onHost(testbed, "host4", "nft delete table inet faults");
  await onHost(testbed, "host1", "nft delete table netdev faults");
  await onHost(testbed, "host2", "echo > /etc/resolv.conf");
  await expectReached(testbed);
  await allWell(testbed);
});

test("an agent that does not run is told apart from a host that is away", { timeout: 180_000 }, async () => {
  await testbed.process("host4", "supervise", "kill");
  await testbed.process("host4", "agent", "kill");
  await testbed.power("host3", "poweroff");
  await waitFor(
    "the agent to be missed",
    async () => (await faultOf(testbed, "host1", "host4")) === "PeerAgentDown",
    WITHIN,
  );
  await waitFor(
    "the host to be missed",
    async () => (await faultOf(testbed, "host1", "host3")) === "PeerUnreachable",
    WITHIN,
  );
  await testbed.process("host4", "agent", "start");
  await testbed.power("host3", "start");
  await allWell(testbed);
});
