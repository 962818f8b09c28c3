import { afterAll, beforeAll, expect, test } from "vitest";
import { waitFor } from "../kit/wait.js";
import { argumentsOf } from "../testbed/processes.js";
import type { Testbed } from "../testbed/testbed.js";
import { applyText, containerPids, pod, startCluster, waitReady } from "./cluster.js";

let testbed: Testbed;

/** Seconds that containers sleep: how they are told apart on a host. */
const SECONDS = { mover: "70001", home: "70002", daemon: "70003" } as const;

/** A workload of one pod on host3, or where its affinity lets it go when that is off. */
function workload(kind: "StatefulSet" | "DaemonSet", name: keyof typeof SECONDS, hosts: readonly string[]): string {
  return `apiVersion: apps/v1
kind: ${kind}
metadata: { name: ${name} }
spec:
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} } }
    spec:
      terminationGracePeriodSeconds: 1
      affinity:
        nodeAffinity:
          requiredDuringSchedulingIgnoredDuringExecution:
            nodeSelectorTerms: [{ matchExpressions: [{ key: kubernetes.io/hostname, operator: In, values: [${hosts}] }] }]
          preferredDuringSchedulingIgnoredDuringExecution:
            - { weight: 100, preference: { matchExpressions: [{ key: kubernetes.io/hostname, operator: In, values: [host3] }] } }
      containers: [{ name: main, image: "tallship/hello:1", command: [sleep, "${SECONDS[name]}"] }]
`;
}

/** The containers of a workload that run on a host. */
const pidsOf = (host: string, name: keyof typeof SECONDS): readonly number[] =>
  containerPids(testbed, host).filter((pid) => argumentsOf(pid).includes(SECONDS[name]));
const running = (host: string, name: keyof typeof SECONDS): number => pidsOf(host, name).length;

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  await waitFor(what, holds, { deadlineMs: 60_000, everyMs: 100 });
}

const uidOf = async (name: string): Promise<string | undefined> => (await pod(testbed, name))?.metadata.uid;
const isReady = async (node: string): Promise<boolean> =>
  (await testbed.tsctl(["get", "node", node])).includes(" Ready");

beforeAll(async () => {
  testbed = await startCluster("reboot", { hostCount: 3 });
  const texts = [
    workload("StatefulSet", "mover", ["host2", "host3"]),
    workload("StatefulSet", "home", ["host3"]),
    workload("DaemonSet", "daemon", ["host3"]),
  ];
  await applyText(testbed, texts.join("---\n"));
  for (const name of Object.keys(SECONDS)) await waitReady(testbed, `app=${name}`, 1);
  expect((await pod(testbed, "mover-0"))?.spec.nodeName).toBe("host3");
  // A host remembers policies a second after it has heard them: without, the daemon's pod waits for the control plane.
  await until("host3 to remember who selects its pods", async () => {
    const script = "for uid in $(ls /run/tallship/netns); do grep -q $uid /var/lib/tallship/policies || exit 1; done";
    return (await testbed.exec("host3", ["sh", "-c", script])).exitCode === 0;
  });
});

afterAll(async () => {
  await testbed?.down();
});

test("a stateful set's pod on a lost host is not replaced until it is deleted by force, and then at once elsewhere", async () => {
  const [mover, home] = [await uidOf("mover-0"), await uidOf("home-0")];
  await testbed.power("host3", "poweroff");
  await until("the pod to be on its way out", async () => {
    const { stdout } = await testbed.tryTsctl([
      "get",
      "pod",
      "mover-0",
      "-o",
      "jsonpath={.metadata.deletionTimestamp}",
    ]);
    return stdout !== "";
  });
  expect(await uidOf("mover-0")).toBe(mover);
  expect(running("host2", "mover")).toBe(0);
  await testbed.tsctl(["delete", "pod", "mover-0", "--force"]);
  await until("the pod to run on host2", () => running("host2", "mover") === 1);
  expect(await uidOf("mover-0")).not.toBe(mover);
  expect(await uidOf("home-0")).toBe(home);
});

test("after a reboot without a control plane a daemon's pod runs, and no stateful set's", async () => {
  await testbed.process("host1", "controlplane", "stop");
  await testbed.power("host3", "start");
  await until("the daemon's pod to run", () => running("host3", "daemon") === 1);
  const [first = 0] = pidsOf("host3", "daemon");
  process.kill(first, "SIGKILL");
  await until("the daemon's pod to run again", () => pidsOf("host3", "daemon").some((pid) => pid !== first));
  // The agent has been through all its pods more than once by then: what it holds back stays held back.
  expect([running("host3", "mover"), running("host3", "home")]).toEqual([0, 0]);
});

test("confirmed, the pod that is still the host's runs there again, and the one that moved does not", async () => {
  await testbed.process("host1", "controlplane", "cont");
  await until("host3 to be ready", () => isReady("host3"));
  await until("home-0 to run", () => running("host3", "home") === 1);
  for (const name of Object.keys(SECONDS)) await waitReady(testbed, `app=${name}`, 1);
  expect((await pod(testbed, "mover-0"))?.spec.nodeName).toBe("host2");
  expect([running("host2", "mover"), running("host3", "mover")]).toEqual([1, 0]);
});
