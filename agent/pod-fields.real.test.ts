import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Pod } from "../proto/gen/tallship/v1/pod.js";
import { AgentMachine, testPod } from "../test/kit/agent-machine.js";
import { waitFor } from "../test/kit/wait.js";
import { runCgroup } from "./cgroup/hierarchies.js";
import { kernelCounts } from "./cgroup/kernel-counts.js";
import { mountedHierarchies } from "./cgroup/pod-cgroups.js";
import type { PodLoop } from "./pod-loop.js";

// What the kernel has of what a pod asks for, with crun.

let machine: AgentMachine;
let loop: PodLoop;

beforeAll(async () => {
  machine = new AgentMachine();
  loop = await machine.start();
});
afterAll(async () => machine.close());

const STAYS = "trap 'exit 0' TERM; while :; do sleep 0.05; done";
const sh = (script: string) => ({ image: "busybox", command: ["sh", "-c", script] });
const log = (podUid: string, container = "main"): string => machine.log({ podUid, container, attempt: 0 });
const isRunning = (uid: string) => machine.until(uid, "to run", ({ phase }) => phase === "Running");

test("groups that the image gives the user count, unless the pod's policy is strict", async () => {
  const pod = (uid: string, supplementalGroupsPolicy: string) =>
    testPod(uid, {
      restartPolicy: "Never",
      securityContext: { runAsUser: 1000, supplementalGroups: [3456], supplementalGroupsPolicy },
      containers: [{ name: "main", ...sh("id -G") }],
    });
  for (const [uid, policy] of [
    ["merged", "Merge"],
    ["strict", "Strict"],
  ] as const)
    loop.setDesired(pod(uid, policy));
  for (const uid of ["merged", "strict"])
    await machine.until(uid, "to have succeeded", ({ phase }) => phase === "Succeeded");
  expect(log("merged")).toMatch(/ 1001 1002 3456$/m);
  expect(log("strict")).toMatch(/ 1001 3456$/m);
});

test("a volume of huge pages is made of them, and where nobody counts who uses them the pod is told", async () => {
  const limits = { "hugepages-2Mi": "4Mi", memory: "64Mi" };
  const pod = testPod("huge", {
    restartPolicy: "Never",
    volumes: [{ name: "pages", emptyDir: { medium: "HugePages" } }],
    containers: [
      {
        name: "main",
        ...sh("grep ' /pages ' /proc/mounts; df -k /pages | tail -1"),
        volumeMounts: [{ name: "pages", mountPath: "/pages" }],
        resources: { limits, requests: limits },
      },
    ],
  });
  loop.setDesired(pod);
  await machine.until("huge", "to have succeeded", ({ phase }) => phase === "Succeeded");
  await expect.poll(() => log("huge")).toMatch(/\/pages hugetlbfs .*pagesize=2M.*\n.* 4096 /);
  const isCounted = kernelCounts(mountedHierarchies()).hugepages;
  const told = machine.notices.filter(({ reason }) => reason === "HugepagesNotLimited").map(({ message }) => message);
  expect(told).toEqual(isCounted ? [] : [expect.stringMatching(/^hugepages-2Mi: .* no hugetlb/)]);
});

test("a sub-path does not lead out of its volume, neither by a link nor by a variable", async () => {
  const mounts = (subPath: object) => [{ name: "shared", mountPath: "/in", ...subPath }];
  const pod = testPod("leads-out", {
    volumes: [{ name: "shared", emptyDir: {} }],
    initContainers: [
      {
        name: "plants",
        ...sh("ln -s /etc /v/away; ln -s ../../../../../../etc /v/up; mkdir /v/good; ln -s good /v/within"),
        volumeMounts: [{ name: "shared", mountPath: "/v" }],
      },
    ],
    containers: [
      { name: "away", ...sh(STAYS), volumeMounts: mounts({ subPath: "away/shadow" }) },
      { name: "up", ...sh(STAYS), volumeMounts: mounts({ subPath: "up" }) },
      {
        ...{ name: "told", ...sh(STAYS), env: [{ name: "UP", value: "../.." }] },
        volumeMounts: mounts({ subPathExpr: "$(UP)/etc" }),
      },
      { name: "within", ...sh(STAYS), volumeMounts: mounts({ subPath: "within" }) },
    ],
  });
  loop.setDesired(pod);
  const { containerStatuses } = await machine.until(
    "leads-out",
    "each to be refused or to run",
    ({ containerStatuses: all }) =>
      all.length === 4 &&
      all.every(({ state }) => state?.running !== undefined || /leads out/.test(state?.waiting?.message ?? "")),
  );
  expect(containerStatuses.map(({ state }) => state?.waiting?.reason)).toEqual([
    ...["CreateContainerConfigError", "CreateContainerConfigError", "CreateContainerConfigError"],
    undefined,
  ]);
});

/** A file of a container's control group, by its names in either version; undefined when the kernel does not have it. */
function limitOf(podUid: string, v1: string, v2: string): string | undefined {
  const path = runCgroup(machine.machine.cgroupParent, { podUid, container: "main", attempt: 0 });
  const files = mountedHierarchies().map(({ mountPoint, version }) => join(mountPoint, path, version === 2 ? v2 : v1));
  const found = files.find((file) => existsSync(file));
  return found === undefined ? undefined : readFileSync(found, "utf8").trim();
}

test("processor time is capped by a limit alone, and who goes first without memory follows from what is reserved", async () => {
  const half = { cpu: "500m", memory: "64Mi" };
  const pods = [
    { uid: "best-effort", qosClass: "BestEffort", resources: {} },
    { uid: "burstable", qosClass: "Burstable", resources: { requests: { cpu: "250m", memory: "1Gi" } } },
    { uid: "guaranteed", qosClass: "Guaranteed", resources: { requests: half, limits: half } },
  ];
  for (const { uid, qosClass, resources } of pods) {
    const pod = testPod(uid, {
      containers: [{ name: "main", ...sh(`cat /proc/self/oom_score_adj; ${STAYS}`), resources }],
    });
    loop.setDesired(Pod.fromPartial({ ...pod, status: { qosClass } }));
  }
  for (const { uid } of pods) await isRunning(uid);
  const cpu = (uid: string) => limitOf(uid, "cpu.cfs_quota_us", "cpu.max");
  expect([cpu("best-effort"), cpu("burstable")]).toEqual([
    expect.stringMatching(/^(-1|max)/),
    expect.stringMatching(/^(-1|max)/),
  ]);
  expect(cpu("guaranteed")).toMatch(/^50000\b/);
  expect(limitOf("burstable", "cpu.shares", "cpu.weight")).toMatch(/^(256|10)$/);
  expect(limitOf("guaranteed", "memory.limit_in_bytes", "memory.max")).toBe(`${64 * 2 ** 20}`);
  const scoreOf = async (uid: string): Promise<number> =>
    Number(await waitFor("its score", () => /(-?\d+)\n$/.exec(log(uid))?.[1]));
  // The machine has 8 GiB, of which one is reserved; it may protect nobody more than itself, and says so.
  expect(await Promise.all(pods.map(({ uid }) => scoreOf(uid)))).toEqual([1000, 875, 0]);
  expect(
    machine.notices.filter(({ reason }) => reason === "OOMScoreLimited").map(({ pod }) => pod.metadata?.uid),
  ).toEqual(["guaranteed"]);
});

test("a container whose image is changed is ended, and runs again with the new one, though its pod never restarts any", async () => {
  const pod = (image: string) =>
    testPod("renewed", {
      restartPolicy: "Never",
      containers: [
        { name: "main", image, command: ["sh", "-c", `trap 'exit 0' TERM; echo up; while :; do sleep 0.05; done`] },
        { name: "side", ...sh(STAYS) },
      ],
    });
  loop.setDesired(pod("first"));
  await isRunning("renewed");
  await waitFor("it to heed its signal", () => log("renewed").includes("up"));
  loop.setDesired(pod("second"));
  const { containerStatuses } = await machine.until(
    "renewed",
    "to run the second",
    ({ containerStatuses: [main] }) => main?.restartCount === 1 && main.state?.running !== undefined,
  );
  expect(containerStatuses[0]?.lastState?.terminated?.exitCode).toBe(0);
  expect(containerStatuses[1]?.restartCount).toBe(0);
  expect(machine.notices.map(({ message }) => message)).toContain(
    "container main definition changed, will be restarted",
  );
  // No registry has the third, and none was fetched before: it waits and says so.
  loop.setDesired(pod("missing"));
  await machine.until("renewed", "to wait", ({ containerStatuses: [main] }) =>
    /^(ErrImagePull|ImagePullBackOff)$/.test(main?.state?.waiting?.reason ?? ""),
  );
  loop.setDesired(pod("fourth"));
  await machine.until(
    "renewed",
    "to run the fourth",
    ({ containerStatuses: [main] }) => main?.state?.running !== undefined,
  );
});
