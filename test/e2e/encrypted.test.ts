import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { run } from "../kit/shell.js";
import { waitFor } from "../kit/wait.js";
import { DUAL_STACK, type Testbed } from "../testbed/testbed.js";
import { expectBothFamilies } from "./both-families.js";
import { manifest, pods, startCluster, waitReady } from "./cluster.js";

let testbed: Testbed;

beforeAll(async () => {
  testbed = await startCluster("sealed", { hostCount: 3, initWords: ["--encrypted", ...DUAL_STACK] });
  await testbed.tsctl(["apply", "-f", manifest("hello.yaml")]);
  await waitReady(testbed, "app=hello", 6);
  await testbed.tsctl(["apply", "-f", manifest("networks.yaml"), "--wait"]);
});

afterAll(async () => {
  await testbed?.down();
});

const within = { deadlineMs: 60_000, everyMs: 500 };

/** All that passes between hosts while this is done. */
async function captured(act: () => Promise<void>): Promise<Buffer> {
  const file = `/tmp/tallship-${testbed.layout.name}.pcap`;
  const inFabric = ["nsenter", `--net=/run/netns/${testbed.layout.fabricNetns}`, "sh", "-c"] as const;
  const script = (text: string): Promise<unknown> => run(inFabric[0], [...inFabric.slice(1), text]);
  await script(
    `tcpdump --immediate-mode -U -i any -w ${file} >/dev/null 2>&1 & echo $! >${file}.pid; for i in $(seq 100); do [ -s ${file} ] && break; sleep 0.1; done`,
  );
  try {
    await act();
    await script(
      `kill -INT $(cat ${file}.pid); for i in $(seq 50); do [ -e /proc/$(cat ${file}.pid)/exe ] || break; sleep 0.1; done`,
    );
    return readFileSync(file);
  } finally {
    await script(`kill -KILL $(cat ${file}.pid) 2>/dev/null; rm -f ${file} ${file}.pid`);
  }
}

const answers = async (words: readonly string[], start: string): Promise<void> => {
  await waitFor(
    `${words.join(" ")} to be answered`,
    async () => (await testbed.tryTsctl(["exec", ...words])).stdout.startsWith(start),
    within,
  );
};

test("nothing that pods say passes between hosts in plain text, on whatever network, and nothing by VXLAN", async () => {
  const bytes = await captured(async () => {
    for (let round = 0; round < 12; round += 1) await answers(["deploy/hello", "--", "fetch", "hello"], "hello");
    await answers(["-n", "harbor", "deploy/gate", "--", "fetch", "web"], "web-");
    await answers(["-n", "harbor", "deploy/store", "--", "fetch", "web"], "web-");
  });
  expect(bytes.length).toBeGreaterThan(2_000);
  const text = bytes.toString("latin1");
  for (const word of ["GET / ", "hello-", "web-", "HTTP/1"]) expect(text).not.toContain(word);
  const devices = await testbed.exec("host1", [
    "sh",
    "-c",
    "bridge fdb show dev tallship0; ip -o link show type vxlan",
  ]);
  expect(devices.stdout).not.toMatch(/ dst 172\./);
  expect(devices.stdout).not.toContain("tsn");
});

test("pods of hosts reach each other by both families, and nothing of it passes between hosts in plain text", async () => {
  const bytes = await captured(() => expectBothFamilies(testbed, ["deploy/hello"]));
  expect(bytes.length).toBeGreaterThan(2_000);
  for (const word of ["GET / ", "both-", "HTTP/1"]) expect(bytes.toString("latin1")).not.toContain(word);
});

test("the MTU is the link's less WireGuard's sixty bytes, and nodes find nothing wrong with each other", {
  timeout: 120_000,
}, async () => {
  expect(await testbed.tsctl(["exec", "deploy/hello", "--", "cat", "/sys/class/net/eth0/mtu"])).toBe("1440\n");
  // Long enough for what is wrong to have a name: routes are looked at every twenty seconds.
  let wellCount = 0;
  await waitFor(
    "the pairs to be well for half a minute",
    async () => {
      wellCount = (await testbed.tryTsctl(["net", "check"])).exitCode === 0 ? wellCount + 1 : 0;
      return wellCount >= 15;
    },
    { deadlineMs: 90_000, everyMs: 2_000 },
  );
});

test("pods of a host that can make no tunnel any more wait and say why; they begin when it can", {
  timeout: 120_000,
}, async () => {
  // What looks like a program and cannot be run: the kernel of these hosts has no WireGuard of its own.
  const hide =
    "mount --bind /dev/null $(command -v wireguard-go) && ip -o link | grep -o 'tsw[a-z0-9]*' | sort -u | xargs -n1 ip link delete";
  await testbed.exec("host3", ["sh", "-c", hide]);
  const pod = {
    ...{ apiVersion: "v1", kind: "Pod", metadata: { name: "late" } },
    spec: { nodeName: "host3", containers: [{ name: "web", image: "tallship/hello:1" }] },
  };
  await waitFor(
    "host3 to have noticed",
    async () => {
      await testbed.tryTsctl(["delete", "pod", "late", "--now"]);
      await testbed.tsctl(["apply", "-f", "-"], { input: JSON.stringify(pod) });
      const says = (): Promise<boolean> =>
        testbed.tryTsctl(["why", "late"]).then(({ stdout }) => stdout.includes("wireguard-go"));
      return waitFor("why to say it", says, { deadlineMs: 6_000, everyMs: 500 }).catch(() => false);
    },
    within,
  );
  expect((await pods(testbed, "")).find(({ metadata }) => metadata.name === "late")?.status.phase).toBe("Pending");
  await testbed.exec("host3", ["sh", "-c", "umount $(command -v wireguard-go) || umount /usr/bin/wireguard-go"]);
  await testbed.tsctl(["wait", "pod/late", "--for=condition=Ready", "--timeout=60s"]);
});
