import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { ROOT } from "../kit/root.js";
import { waitFor } from "../kit/wait.js";
import type { Testbed } from "../testbed/testbed.js";
import { containerPids, manifest, startCluster, waitReady } from "./cluster.js";

let testbed: Testbed | undefined;
afterEach(async () => {
  await testbed?.down();
});

const within = { deadlineMs: 60_000, everyMs: 500 };

/** Gives host1 another address on its link. */
async function move(bed: Testbed, address: string): Promise<void> {
  const script = `ip address del 172.30.0.11/24 dev eth0; ip address add ${address}/24 dev eth0; ip route replace default via 172.30.0.1`;
  await bed.exec("host1", ["sh", "-c", script]);
}

/** What an administrator's command on a host prints, or its error. */
async function tsctlOn(bed: Testbed, host: string, ...words: readonly string[]): Promise<string> {
  const context = "/etc/tallship/admin.yaml";
  const { stdout, stderr } = await bed.exec(host, [
    ...["env", `TSCTL_CONFIG=${context}`, process.execPath, join(ROOT, "bin/tsctl")],
    ...words,
  ]);
  return stdout + stderr;
}

async function allReady(bed: Testbed, at: string): Promise<boolean> {
  const rows = (await tsctlOn(bed, at, "get", "nodes")).split("\n");
  return rows.filter((line) => / Ready /.test(line)).length === bed.layout.hosts.length;
}

test("the only control plane of a cluster gets another address by one command, of which the other hosts hear; pods run on", {
  timeout: 240_000,
}, async () => {
  testbed = await startCluster("readdress", { hostCount: 2 });
  const bed = testbed;
  await bed.tsctl(["apply", "-f", manifest("hello.yaml")]);
  await waitReady(bed, "app=hello", 6);
  const before = ["host1", "host2"].map((name) => containerPids(bed, name));
  await move(bed, "172.30.0.51");
  const said = await bed.daemon(bed.host("host1"), ["readdress"]);
  expect(said).toContain("host1 serves at 172.30.0.51:7443");
  expect(said).toContain("nodes that were told: host2");
  expect(said).not.toContain("did not answer");
  await waitFor("both nodes to be Ready", () => allReady(bed, "host1"), within);
  const node = JSON.parse(await tsctlOn(bed, "host1", "get", "node", "host1", "-o", "json"));
  await waitFor(
    "the node to tell its address",
    async () => {
      const now = JSON.parse(await tsctlOn(bed, "host1", "get", "node", "host1", "-o", "json"));
      return now.status.overlay.underlayIP === "172.30.0.51";
    },
    within,
  );
  expect(node.metadata.name).toBe("host1");
  expect(["host1", "host2"].map((name) => containerPids(bed, name))).toEqual(before);
  // What is written after it is written for good.
  expect(await tsctlOn(bed, "host1", "scale", "deploy/hello", "--replicas=7")).toContain("scaled");
});

test("of three control planes one moves: the others' etcd and all agents follow by themselves", {
  timeout: 240_000,
}, async () => {
  testbed = await startCluster("moved-three", { hostCount: 4, controlPlaneCount: 3 });
  const bed = testbed;
  await bed.tsctl(["apply", "-f", manifest("hello.yaml")]);
  await waitReady(bed, "app=hello", 6);
  await move(bed, "172.30.0.51");
  expect(await bed.daemon(bed.host("host1"), ["readdress"])).toContain("host1 serves at 172.30.0.51:7443");
  await waitFor("all nodes to be Ready", () => allReady(bed, "host2"), within);
  // The moved one is needed for a majority now.
  await bed.power("host3", "poweroff");
  await waitFor(
    "a write without the third",
    async () => (await tsctlOn(bed, "host2", "scale", "deploy/hello", "--replicas=5")).includes("scaled"),
    within,
  );
});
