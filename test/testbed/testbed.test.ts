import { existsSync, readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { run } from "../kit/shell.js";
import { waitFor } from "../kit/wait.js";
import { hierarchies } from "./cgroups.js";
import { cutRules } from "./layout.js";
import { Testbed } from "./testbed.js";

const NAME = `bare-${process.pid}`;
let testbed: Testbed;

beforeAll(async () => {
  testbed = await Testbed.up({ name: NAME, hostCount: 3, controlPlaneCount: 1, isBare: true, report: () => undefined });
});

afterAll(async () => {
  await testbed?.down();
});

async function canPing(from: string, address: string): Promise<boolean> {
  return (await testbed.exec(from, ["ping", "-c1", "-W1", address])).exitCode === 0;
}

test("every host has a name, an address, a boot id and cgroups of its own", async () => {
  const boots = await Promise.all(
    testbed.layout.hosts.map(({ name }) => testbed.exec(name, ["cat", "/proc/sys/kernel/random/boot_id"])),
  );
  expect(new Set(boots.map(({ stdout }) => stdout)).size).toBe(3);
  expect((await testbed.exec("host2", ["hostname"])).stdout).toBe("host2\n");
  const { stdout } = await testbed.exec("host2", ["cat", "/proc/self/cgroup"]);
  expect(
    stdout.split("\n").filter((line) => line !== "" && !/:\/(daemons)?$/.test(line) && !line.startsWith("0::")),
  ).toEqual([]);
});

test("a link is cut and healed, for one peer only", async () => {
  await testbed.cut("host1", { peer: "host2", direction: "both" });
  expect(await canPing("host1", "172.30.0.12")).toBe(false);
  await waitFor("the other to answer", () => canPing("host1", "172.30.0.13"));
  await testbed.heal("host1");
  // Who was looked for in vain is not looked for again for a moment.
  await waitFor("the link to lead there again", () => canPing("host1", "172.30.0.12"));
});

test("a host that lost power comes back with its disk and another boot id", async () => {
  const bootId = async (): Promise<string> =>
    (await testbed.exec("host3", ["cat", "/proc/sys/kernel/random/boot_id"])).stdout;
  await testbed.exec("host3", [
    "sh",
    "-c",
    "echo kept > /var/lib/tallship/file; echo lost > /run/file; sleep 1000 >/dev/null 2>&1 &",
  ]);
  const before = await bootId();
  await testbed.power("host3", "poweroff");
  expect(await canPing("host1", "172.30.0.13")).toBe(false);
  await testbed.power("host3", "start");
  await waitFor("it to answer", () => canPing("host1", "172.30.0.13"));
  expect(await bootId()).not.toBe(before);
  expect((await testbed.exec("host3", ["sh", "-c", "cat /var/lib/tallship/file; ls /run/file"])).stdout).toBe("kept\n");
});

test("a frozen host does nothing, a thawed one goes on", async () => {
  const isFrozen = (): boolean => {
    const version2 = hierarchies().find(({ version }) => version === 2);
    const events = `${version2?.mountPoint}/${testbed.host("host2").cgroup}/cgroup.events`;
    return readFileSync(events, "utf8").includes("frozen 1");
  };
  try {
    await testbed.power("host2", "freeze");
    await waitFor("host2 to freeze", isFrozen);
  } finally {
    await testbed.power("host2", "thaw");
  }
  expect((await testbed.exec("host2", ["true"])).exitCode).toBe(0);
});

test("the registry answers every host", async () => {
  for (const { name } of testbed.layout.hosts) {
    expect((await testbed.exec(name, ["curl", "-fsS", "http://172.30.0.2:5000/v2/"])).stdout).toBe("{}");
  }
});

test("down leaves no namespace, mount, cgroup or file, also of a second testbed beside the first", async () => {
  const other = await Testbed.up({
    name: `${NAME}-b`,
    hostCount: 1,
    controlPlaneCount: 1,
    isBare: true,
    report: () => undefined,
  });
  expect((await other.exec("host1", ["ping", "-c1", "-W1", "172.30.0.2"])).exitCode).toBe(0);
  await other.down();
  const mark = `${NAME}-b`;
  expect(await run("ip", ["netns"])).not.toContain(mark);
  expect(readFileSync("/proc/self/mounts", "utf8")).not.toContain(mark);
  for (const { mountPoint } of hierarchies()) expect(readdirSync(mountPoint).join()).not.toContain(mark);
  expect(existsSync(other.layout.runDir) || existsSync(other.layout.diskDir)).toBe(false);
  expect((await testbed.exec("host1", ["true"])).exitCode).toBe(0);
});

test("a cut in one direction drops only that direction", () => {
  const rules = cutRules([{ port: "h1", direction: "in" }]);
  expect(rules).toContain('oifname "h1" drop');
  expect(rules).not.toContain('iifname "h1"');
});
