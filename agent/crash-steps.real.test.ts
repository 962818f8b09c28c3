import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { AgentMachine, deleted, testPod } from "../test/kit/agent-machine.js";
import { dyingAgent } from "../test/kit/dying-agent.js";
import { waitFor } from "../test/kit/wait.js";
import { mountedHierarchies } from "./cgroup/pod-cgroups.js";

// An agent dies at every numbered step of a pod's creation and deletion, just before the step's action and just after it; the next agent
// takes up what it finds. Real crun, conmon, overlay roots, control groups and checkpoint.

let machine: AgentMachine;
beforeAll(() => {
  machine = new AgentMachine();
  mkdirSync(machine.deviceFolder, { recursive: true });
  const devices = ["0", "1"].map((name) => ({ name, containerEdits: { env: [`DEVICE=${name}`] } }));
  const spec = { cdiVersion: "0.6.0", kind: DEVICE, devices };
  writeFileSync(`${machine.deviceFolder}/acme.json`, JSON.stringify(spec));
});
const DEVICE = "acme.example/accelerator";
afterAll(async () => machine.close());

const pod = (uid: string) =>
  testPod(uid, {
    hostNetwork: false,
    hostUsers: false,
    volumes: [{ name: "scratch", emptyDir: {} }],
    containers: ["web", "side"].map((name) => ({
      name,
      image: "busybox",
      command: ["sh", "-c", "trap 'exit 0' TERM; echo up; while :; do sleep 0.05; done"],
      volumeMounts: [{ name: "scratch", mountPath: "/scratch" }],
      resources: { limits: { [DEVICE]: "1" } },
    })),
  });

/** Everything that can be left of a pod on this machine, but for its logs, which are kept for a while. */
function traces(uid: string): readonly string[] {
  const { folder, cgroupParent } = machine.machine;
  const isLog = ["logs", "ended-logs"].flatMap((name) => ["-not", "-path", `*/${name}/*`]);
  const files = execFileSync("find", [folder, "-path", `*${uid}*`, ...isLog], { encoding: "utf8" });
  const cgroups = mountedHierarchies().flatMap(({ mountPoint }) =>
    existsSync(mountPoint + cgroupParent)
      ? execFileSync("find", [mountPoint + cgroupParent, "-type", "d", "-path", `*${uid}*`], {
          encoding: "utf8",
        }).split("\n")
      : [],
  );
  const processes = readdirSync("/proc").filter((id) => /^\d+$/.test(id) && mentions(id, uid));
  const mounts = execFileSync("sh", ["-c", `cat /proc/self/mounts | grep -F "$0" || true`, uid], { encoding: "utf8" });
  return [...files.split("\n"), ...cgroups, ...processes, ...mounts.split("\n")].filter((each) => each !== "");
}

function mentions(id: string, uid: string): boolean {
  try {
    return readFileSync(join("/proc", id, "cmdline"), "utf8").includes(`${uid}_`);
  } catch {
    return false; // It has ended.
  }
}

const isUp = ({ containerStatuses }: { readonly containerStatuses: readonly { readonly ready: boolean }[] }): boolean =>
  containerStatuses.length === 2 && containerStatuses.every(({ ready }) => ready);

/** Runs a pod up and down with an agent that dies at a step; returns false when there are not that many steps. */
async function lives(phase: "create" | "delete", at: number, when: "before" | "after"): Promise<boolean> {
  const uid = `${phase}-${at}-${when}`;
  const wanted = pod(uid);
  machine.statuses.clear();
  if (phase === "delete") {
    const first = await machine.start();
    first.replaceDesired([wanted]);
    await machine.until(uid, "to run", isUp);
    await machine.stopAgent();
  }
  const { wrap, death } = dyingAgent(at, when);
  const victim = await machine.start(undefined, wrap);
  const goal = phase === "create" ? wanted : deleted(wanted, 1);
  victim.replaceDesired([goal]);
  const reached = waitFor("the phase to end", () =>
    phase === "create" ? isUp(machine.statuses.get(uid) ?? { containerStatuses: [] }) : victim.get(uid) === undefined,
  ).then(() => undefined);
  const died = await Promise.race([death, reached]);
  const next = await machine.start();
  if (phase === "create") {
    next.replaceDesired([wanted]);
    await machine.until(uid, "to run after the agent's death", isUp);
    expect(machine.statuses.get(uid)?.containerStatuses.map(({ restartCount }) => restartCount)).toEqual([0, 0]);
    next.setDesired(deleted(wanted, 1));
  } else next.replaceDesired(machine.released.includes(uid) ? [] : [goal]);
  await waitFor(`${uid} to be forgotten`, () => next.get(uid) === undefined);
  expect([...machine.nodeDevices.pods(), ...machine.podNamespaces.pods()]).toEqual([]);
  await waitFor(
    () => `nothing of ${uid} to be left: ${traces(uid).join(", ")}`,
    () => traces(uid).length === 0,
  );
  await machine.stopAgent();
  return died !== undefined;
}

for (const phase of ["create", "delete"] as const) {
  test(`an agent that dies at any step of ${phase} leaves nothing that the next one does not finish`, async () => {
    let steps = 0;
    for (let at = 1; ; at += 1) {
      const wasStep = await lives(phase, at, "before");
      if (!wasStep) break;
      await lives(phase, at, "after");
      steps = at;
    }
    expect(steps).toBeGreaterThanOrEqual(11); // Seven hooks, and two actions for each of two containers at the least.
  }, 600_000);
}
