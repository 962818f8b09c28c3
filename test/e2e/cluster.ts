import { join } from "node:path";
import { ROOT } from "../kit/root.js";
import { waitFor } from "../kit/wait.js";
import { processesOf } from "../testbed/cgroups.js";
import { argumentsOf, parentOf } from "../testbed/processes.js";
import { Testbed, type TestbedOptions } from "../testbed/testbed.js";
import { lookHere } from "./look-here.js";

/** A cluster for one test file; its name holds the process id, so that files run side by side. */
export function startCluster(
  label: string,
  options: Partial<TestbedOptions> & Pick<TestbedOptions, "hostCount">,
): Promise<Testbed> {
  const name = `${label}-${process.pid}`;
  return Testbed.up({ name, controlPlaneCount: 1, report: () => undefined, look: lookHere, ...options });
}

/** Path of a manifest that users get. */
export const manifest = (name: string): string => join(ROOT, "manifests", name);

/** A pod as `tsctl get -o json` shows it, as far as tests look. */
export interface SeenPod {
  readonly metadata: { readonly name: string; readonly uid: string };
  readonly spec: { readonly nodeName?: string };
  readonly status: {
    readonly phase?: string;
    readonly podIP?: string;
    readonly podIPs?: readonly { readonly ip: string }[];
    readonly reason?: string;
    readonly message?: string;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason?: string;
      readonly message?: string;
    }[];
    readonly containerStatuses?: readonly SeenContainer[];
  };
}

/** A container of a pod, as far as tests look. */
export interface SeenContainer {
  readonly ready: boolean;
  readonly restartCount?: number;
  readonly containerID?: string;
  readonly state: {
    readonly running?: { readonly startedAt: string };
    readonly waiting?: { readonly reason: string; readonly message?: string };
    readonly terminated?: {
      readonly reason: string;
      readonly exitCode?: number;
      readonly startedAt: string;
      readonly finishedAt: string;
    };
  };
  readonly lastState?: { readonly terminated?: { readonly reason: string; readonly exitCode?: number } };
}

/** All pods that match a label selector. */
export async function pods(testbed: Testbed, labels = ""): Promise<readonly SeenPod[]> {
  const selector = labels === "" ? [] : ["-l", labels];
  return JSON.parse(await testbed.tsctl(["get", "pods", ...selector, "-o", "json"])).items;
}

/** One pod; undefined when it does not exist. */
export async function pod(testbed: Testbed, name: string): Promise<SeenPod | undefined> {
  const { exitCode, stdout } = await testbed.tryTsctl(["get", "pod", name, "-o", "json"]);
  return exitCode === 0 ? JSON.parse(stdout) : undefined;
}

/** Applies YAML text. */
export function applyText(testbed: Testbed, text: string): Promise<string> {
  return testbed.tsctl(["apply", "-f", "-"], { input: text });
}

/** Waits until this many pods that match are ready; returns them. A failure tells how nodes and pods were then. */
export function waitReady(testbed: Testbed, labels: string, count: number): Promise<readonly SeenPod[]> {
  const waiting = waitFor(
    `${count} ready pods of ${labels}`,
    async () => {
      const all = await pods(testbed, labels);
      const ready = all.filter(({ status }) =>
        status.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True"),
      );
      return ready.length === count && all.length === count ? ready : undefined;
    },
    { deadlineMs: 60_000, everyMs: 100 },
  );
  return waiting.catch(async (cause: unknown) => {
    const said = await Promise.all([
      testbed.tryTsctl(["get", "nodes"]),
      testbed.tryTsctl(["describe", "pods", "-l", labels]),
      ...testbed.layout.hosts.map(({ name }) =>
        testbed.exec(name, ["tail", "-n", "15", "/var/lib/tallship/log/agent.log"]),
      ),
    ]);
    const what = cause instanceof Error ? cause.message : String(cause);
    throw new Error([what, ...said.map(({ stdout, stderr }) => stdout + stderr)].join("\n"), { cause });
  });
}

/** Waits until no pod matches. */
export function waitGone(testbed: Testbed, labels: string): Promise<boolean> {
  return waitFor(`pods of ${labels} to go`, async () => (await pods(testbed, labels)).length === 0, {
    deadlineMs: 60_000,
    everyMs: 100,
  });
}

/** A pod with one container, as YAML; the extras are lines of the container, indented by six spaces. */
export function podYaml(name: string, command: readonly string[], extras = "", spec = ""): string {
  return `apiVersion: v1
kind: Pod
metadata:
  name: ${name}
  labels: { app: ${name} }
spec:
  terminationGracePeriodSeconds: 2
${spec}  containers:
    - name: main
      image: tallship/hello:1
      command: ${JSON.stringify(command)}
${extras}`;
}

/** What is left of pods on a host: namespaces, links, mounts, cgroups, conmons. Empty lists when nothing is. */
export async function remains(testbed: Testbed, host: string): Promise<Readonly<Record<string, readonly string[]>>> {
  const list = async (script: string): Promise<readonly string[]> =>
    (await testbed.exec(host, ["sh", "-c", script])).stdout.split("\n").filter((line) => line !== "");
  return {
    namespaces: await list("ls /run/tallship/netns 2>/dev/null"),
    mounts: await list("grep -E '/(pods|containers)/' /proc/self/mounts | cut -d' ' -f2"),
    cgroups: await list("find /sys/fs/cgroup -type d -path '*tallship/pod*'"),
    conmons: processesOf(testbed.host(host).cgroup)
      .filter((pid) => argumentsOf(pid)[0]?.endsWith("conmon"))
      .map(String),
  };
}

/** Process ids of the containers' own first processes on a host, sorted: children of its conmons. */
export function containerPids(testbed: Testbed, host: string): readonly number[] {
  return processesOf(testbed.host(host).cgroup)
    .filter((pid) => argumentsOf(parentOf(pid))[0]?.endsWith("conmon"))
    .sort((a, b) => a - b);
}
