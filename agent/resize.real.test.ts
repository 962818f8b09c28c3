import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Pod } from "../proto/gen/tallship/v1/pod.js";
import { AgentMachine, testPod } from "../test/kit/agent-machine.js";
import { dyingAgent } from "../test/kit/dying-agent.js";
import { runCgroup } from "./cgroup/hierarchies.js";
import { mountedHierarchies } from "./cgroup/pod-cgroups.js";
import type { PodLoop } from "./pod-loop.js";

// Real crun and real control groups: a container gets other limits while its processes go on.

let machine: AgentMachine;
let loop: PodLoop;

beforeEach(async () => {
  machine = new AgentMachine();
  loop = await machine.start();
});
afterEach(async () => machine.close());

type Amounts = Readonly<Record<string, string>>;
const podWith = (uid: string, amounts: Amounts, restarts = "", script = "while :; do sleep 0.05; done"): Pod =>
  testPod(uid, {
    terminationGracePeriodSeconds: 1,
    containers: [
      {
        name: "web",
        image: "busybox",
        command: ["sh", "-c", script],
        resources: { limits: amounts, requests: amounts },
        resizePolicy: restarts === "" ? [] : [{ resourceName: restarts, restartPolicy: "RestartContainer" }],
      },
    ],
  });

/** A limit as the kernel has it, by the name that it has in either version. */
function limitOf(uid: string, v1: string, v2: string): string {
  const path = runCgroup(machine.machine.cgroupParent, { podUid: uid, container: "web", attempt: 0 });
  const hierarchies = mountedHierarchies();
  const controller = v1.split(".")[0] ?? "";
  const own = hierarchies.find(({ controllers }) => controllers.includes(controller));
  const [mount, file] = own === undefined ? [hierarchies.find(({ version }) => version === 2), v2] : [own, v1];
  return readFileSync(join(mount?.mountPoint ?? "", path, file), "utf8").trim();
}

const pidOf = async (uid: string): Promise<number> => {
  const [run] = await machine.driver.list(uid);
  return run?.state.is === "running" ? run.state.pid : 0;
};
const isRunning = (uid: string) => machine.until(uid, "to run", ({ phase }) => phase === "Running");

test("more cpu and memory come into force in the same process, and show in the status; less memory than is in use does not", async () => {
  loop.setDesired(
    podWith(
      "a",
      { cpu: "200m", memory: "32Mi" },
      "",
      "x=$(head -c 20000000 /dev/zero | tr '\\0' x); while :; do sleep 0.05; done",
    ),
  );
  await isRunning("a");
  const pid = await pidOf("a");
  expect(limitOf("a", "cpu.cfs_quota_us", "cpu.max")).toMatch(/^20000\b/);
  loop.setDesired(
    podWith(
      "a",
      { cpu: "500m", memory: "64Mi" },
      "",
      "x=$(head -c 20000000 /dev/zero | tr '\\0' x); while :; do sleep 0.05; done",
    ),
  );
  const status = await machine.until(
    "a",
    "to be resized",
    ({ containerStatuses: [web] }) => web?.resources?.limits["cpu"] === "500m",
  );
  expect(status.containerStatuses[0]).toMatchObject({
    restartCount: 0,
    allocatedResources: { cpu: "500m", memory: "64Mi" },
    resources: { limits: { cpu: "500m", memory: "64Mi" } },
  });
  expect(limitOf("a", "cpu.cfs_quota_us", "cpu.max")).toMatch(/^50000\b/);
  expect(limitOf("a", "cpu.shares", "cpu.weight")).toMatch(/^(512|20)$/);
  expect(limitOf("a", "memory.limit_in_bytes", "memory.max")).toBe(`${64 * 2 ** 20}`);
  expect(limitOf("a", "memory.memsw.limit_in_bytes", "memory.swap.max")).toMatch(/^(67108864|0)$/);
  expect(await pidOf("a")).toBe(pid);
  expect(machine.notices.map(({ reason }) => reason)).toContain("ResizeCompleted");
  loop.setDesired(podWith("a", { cpu: "500m", memory: "1Mi" }));
  const refused = await machine.until("a", "to be told", ({ conditions }) =>
    conditions.some(({ type, reason }) => type === "PodResizeInProgress" && reason === "Error"),
  );
  expect(refused.conditions.find(({ type }) => type === "PodResizeInProgress")?.message).toMatch(/bytes are in use/);
  expect(limitOf("a", "memory.limit_in_bytes", "memory.max")).toBe(`${64 * 2 ** 20}`);
});

test("a container whose policy asks for it is restarted with the new limits", async () => {
  loop.setDesired(podWith("b", { cpu: "200m", memory: "32Mi" }, "memory"));
  await isRunning("b");
  loop.setDesired(podWith("b", { cpu: "200m", memory: "48Mi" }, "memory"));
  const status = await machine.until(
    "b",
    "to have restarted",
    ({ containerStatuses: [web] }) => web?.restartCount === 1 && web.state?.running !== undefined,
  );
  expect(status.containerStatuses[0]?.resources?.limits["memory"]).toBe("48Mi");
});

test("what the node has no room for waits with the reason, over the agent's death, and comes when there is room", async () => {
  loop.replaceDesired([podWith("c", { cpu: "200m", memory: "32Mi" }), podWith("d", { cpu: "1500m", memory: "32Mi" })]);
  await Promise.all([isRunning("c"), isRunning("d")]);
  const wanted = podWith("c", { cpu: "1", memory: "32Mi" });
  loop.setDesired(wanted);
  const pending = (reason: string) =>
    machine.until("c", reason, ({ conditions }) =>
      conditions.some((one) => one.type === "PodResizePending" && one.reason === reason),
    );
  await pending("Deferred");
  await machine.stopAgent();
  machine.statuses.clear();
  loop = await machine.start();
  loop.replaceDesired([wanted, podWith("d", { cpu: "1500m", memory: "32Mi" })]);
  const told = await pending("Deferred");
  expect(told.containerStatuses[0]?.resources?.limits["cpu"]).toBe("200m");
  loop.setDesired(podWith("c", { cpu: "5", memory: "32Mi" }));
  await pending("Infeasible");
  loop.replaceDesired([wanted]);
  loop.mark("c");
  const done = await machine.until(
    "c",
    "to be resized",
    ({ containerStatuses: [web] }) => web?.resources?.limits["cpu"] === "1",
  );
  expect(done.conditions.some(({ type }) => type.startsWith("PodResize"))).toBe(false);
  expect(done.containerStatuses[0]?.restartCount).toBe(0);
});

/** An agent dies at a step of a resize, and another comes; returns false when there are not that many steps. */
async function survives(at: number, when: "before" | "after"): Promise<boolean> {
  const uid = `crash-${at}-${when}`;
  loop.replaceDesired([podWith(uid, { cpu: "200m", memory: "64Mi" })]);
  await isRunning(uid);
  const pid = await pidOf(uid);
  const wanted = podWith(uid, { cpu: "400m", memory: "32Mi" });
  await machine.stopAgent();
  const { wrap, death } = dyingAgent(at, when);
  const victim = await machine.start(undefined, wrap);
  victim.replaceDesired([wanted]);
  const isResized = () =>
    machine.until(uid, "to be resized", ({ containerStatuses: [web] }) => web?.resources?.limits["cpu"] === "400m");
  const died = await Promise.race([death, isResized().then(() => undefined)]);
  machine.statuses.clear();
  loop = await machine.start();
  loop.replaceDesired([wanted]);
  await isResized();
  expect(limitOf(uid, "memory.limit_in_bytes", "memory.max")).toBe(`${32 * 2 ** 20}`);
  expect(limitOf(uid, "memory.memsw.limit_in_bytes", "memory.swap.max")).toMatch(/^(33554432|0)$/);
  expect(limitOf(uid, "cpu.cfs_quota_us", "cpu.max")).toMatch(/^40000\b/);
  expect(await pidOf(uid)).toBe(pid);
  return died !== undefined;
}

test("an agent that dies at any step of a resize leaves it to the next, and the process goes on", async () => {
  let steps = 0;
  for (let at = 1; await survives(at, "before"); at += 1) {
    await survives(at, "after");
    steps = at;
  }
  expect(steps).toBeGreaterThanOrEqual(1);
}, 120_000);
