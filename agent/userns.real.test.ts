import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { KEEP_FILES, STARTS, STOPPED } from "../kinds/power.js";
import { systemClock } from "../lib/system-clock.js";
import { tarEntry } from "../lib/tar/entry.js";
import { tarArchive } from "../lib/tar/tar-writer.js";
import { CopyStart, ExecInput } from "../proto/gen/tallship/v1/streams.js";
import { AgentMachine, deleted } from "../test/kit/agent-machine.js";
import { FOREVER, runIn, type UserPodSpec, userPod, wordsOf } from "../test/kit/user-pods.js";
import { waitFor } from "../test/kit/wait.js";
import type { PodLoop } from "./pod-loop.js";
import { copy } from "./streams/copy.js";
import { copierOf } from "./worker/worker-program.js";

let machine: AgentMachine;
let loop: PodLoop;
beforeAll(async () => {
  machine = new AgentMachine();
  loop = await machine.start();
});
afterAll(async () => machine.close());

const image = "busybox";

/** Runs a script as the only container of a pod and returns what it wrote. */
async function output(
  uid: string,
  script: string,
  { container = {}, ...spec }: UserPodSpec & { container?: object } = {},
) {
  const containers = [{ name: "web", image, command: ["sh", "-c", script], ...container }];
  loop.setDesired(userPod(uid, { ...spec, containers }));
  await machine.until(uid, "to be over", ({ phase }) => phase === "Succeeded" || phase === "Failed");
  return wordsOf(machine.log({ podUid: uid, container: "web", attempt: 0 }));
}

const run = (uid: string, command: readonly string[]) => runIn(machine, uid, { command });

async function runningPid(uid: string): Promise<number> {
  await machine.until(uid, "to run", ({ phase }) => phase === "Running");
  const [seen] = await machine.driver.list(uid);
  return seen?.state.is === "running" ? seen.state.pid : 0;
}

test("root in the pod is root there and an id of nobody's outside; no two pods share ids; deleted, nothing is left", async () => {
  const pods = ["one", "two"].map((uid) =>
    userPod(uid, { containers: [{ name: "web", image, command: ["sh", "-c", FOREVER] }] }),
  );
  loop.replaceDesired(pods);
  const owners = await Promise.all(["one", "two"].map(async (uid) => statSync(`/proc/${await runningPid(uid)}`).uid));
  const [first = 0] = owners;
  expect(await run("one", ["sh", "-c", "id -u; cat /proc/self/uid_map"])).toBe(`0\n         0 ${first}      65536\n`);
  const given = [1_879_048_192, 1_879_048_192 + 65_536];
  expect([...owners].sort()).toEqual(given);
  for (const pod of pods) loop.setDesired(deleted(pod, 1));
  await waitFor("both to be gone", () => (loop.list().length === 0 ? true : undefined));
  expect(machine.podNamespaces.pods()).toEqual([]);
  const { folder } = machine.machine;
  const left = execFileSync("find", [folder, "-path", "*/userns/*", "-o", "-path", "*/netns/*"], { encoding: "utf8" });
  expect(left.split("\n").filter((path) => /one|two/.test(path))).toEqual([]);
  const mounts = machine.machine.jobs.run("cat /proc/self/mounts");
  expect((await mounts).output.split("\n").filter((line) => line.includes(folder) && /one|two/.test(line))).toEqual([]);
});

test("files of the image and of volumes belong inside to whom they belong on the disk", async () => {
  const hostPath = `${machine.machine.folder}/host`;
  mkdirSync(hostPath);
  writeFileSync(`${hostPath}/theirs`, "");
  machine.configs.set("ConfigMap/settings", { values: { a: Buffer.from("1") }, revision: 1 });
  machine.configs.set("Secret/token", { values: { b: Buffer.from("2") }, revision: 1 });
  const mounts = ["disk", "memory", "map", "secret", "host"].map((name) => ({ name, mountPath: `/v/${name}` }));
  const script = [
    "stat -c '%n %u:%g' / /bin/busybox /etc/hosts /dev/termination-log /v/*",
    "touch /mine /v/disk/a /v/memory/a /v/host/a && chown 1000:1000 /v/disk/a",
    "stat -c '%n %u:%g' /mine /v/disk/a /v/memory/a /v/host/a /v/host/theirs",
    'echo "$(cat /v/map/a)$(cat /v/secret/b)"',
    "echo last >/dev/termination-log",
    "stat -c '%u' /dev/shm; echo x >/dev/shm/x; echo y >/etc/hosts",
  ].join(" && ");
  const written = await output("files", script, {
    volumes: [
      { name: "disk", emptyDir: {} },
      { name: "memory", emptyDir: { medium: "Memory" } },
      { name: "map", configMap: { name: "settings" } },
      { name: "secret", secret: { secretName: "token" } },
      { name: "host", hostPath: { path: hostPath, type: "Directory" } },
    ],
    container: { volumeMounts: mounts },
  });
  const lines = written.trim().split("\n");
  expect(lines.filter((line) => !/ 0:0$/.test(line))).toEqual(["/v/disk/a 1000:1000", "12", "0"]);
  expect(statSync(`${hostPath}/a`).uid).toBe(0);
  expect(machine.statuses.get("files")?.containerStatuses[0]?.state?.terminated?.message).toBe("last\n");
});

test("rights inside are none outside, and what may be set of the pod's own network can be set", async () => {
  const written = await output(
    "rights",
    "echo 1 >/proc/sys/kernel/panic; mknod /x b 8 0; ls /sys/class/net; cat /proc/sys/net/ipv4/ip_local_port_range; ulimit -n",
    {
      securityContext: { sysctls: [{ name: "net.ipv4.ip_local_port_range", value: "20000 30000" }] },
      container: { securityContext: { capabilities: { add: ["SYS_ADMIN", "MKNOD", "NET_ADMIN"] } } },
    },
  );
  expect(written).toMatch(/panic: Read-only file system|panic: Permission denied/);
  expect(written).toMatch(/mknod: \/x: Operation not permitted/);
  expect(written).toMatch(/^lo$/m);
  expect(written).not.toMatch(/eth0/);
  expect(written).toMatch(/^20000\s+30000$/m);
});

test("containers of a pod share its IPC and, where it asks for that, its process ids", async () => {
  const pod = userPod("shared", {
    shareProcessNamespace: true,
    containers: ["web", "side"].map((name) => ({ name, image, command: ["sh", "-c", FOREVER] })),
  });
  loop.setDesired(pod);
  await machine.until("shared", "to run", ({ containerStatuses }) => containerStatuses.every(({ ready }) => ready));
  const look = "ps -o pid,user,args | grep -v ps; stat -c %u /dev/shm; : >/dev/shm/x; ls /proc/1/root";
  const seen = await waitFor("both programs to be seen", async () => {
    const text = await run("shared", ["sh", "-c", look]);
    return text.match(/while :/g)?.length === 2 ? text : undefined;
  });
  expect(seen).toMatch(/1 65534 +sleep infinity/);
  expect(seen).toMatch(/\n0\n/);
  expect(await runIn(machine, "shared", { command: ["ls", "/dev/shm"], container: "side" })).toBe("x\n");
});

test("an image volume and a privileged container work in a user namespace too", async () => {
  const written = await output(
    "privileged",
    "id -u; stat -c '%u' /tools/bin/busybox; touch /tools/x; mount -t tmpfs none /tmp && echo mounted; dmesg",
    {
      volumes: [{ name: "tools", image: { reference: "tools:1", pullPolicy: "IfNotPresent" } }],
      container: { securityContext: { privileged: true }, volumeMounts: [{ name: "tools", mountPath: "/tools" }] },
    },
  );
  expect(written).toMatch(/^0\n0\n/);
  expect(written).toMatch(/Read-only file system/);
  expect(written).toMatch(/^mounted$/m);
  expect(written).toMatch(/klogctl: Operation not permitted/);
});

test("what is copied into a container and out of it belongs to whom it belongs inside, in volumes too", async () => {
  const containers = [
    { name: "web", image, command: ["sh", "-c", FOREVER], volumeMounts: [{ name: "v", mountPath: "/v" }] },
  ];
  loop.setDesired(userPod("copies", { volumes: [{ name: "v", emptyDir: {} }], containers }));
  const path = `/proc/${await runningPid("copies")}/root`;
  const ids = machine.podNamespaces.idsOf("copies");
  if (ids === undefined) throw new Error("the pod has no ids");
  const users = { ids, copier: { command: copierOf("bin/tallshipd"), clock: systemClock } };
  const archive = tarArchive([
    [tarEntry("mine", "file", { uid: 1000, gid: 50 }), Buffer.from("hi")],
    [tarEntry("nobodys", "file", { uid: 100_000, gid: 0 }), Buffer.from("hi")],
    [tarEntry("pipe", "fifo"), Buffer.alloc(0)],
  ]);
  async function* input() {
    yield ExecInput.fromPartial({ part: { $case: "stdin", value: archive } });
    yield ExecInput.fromPartial({ part: { $case: "stdinClosed", value: true } });
  }
  const { signal } = new AbortController();
  const into = async (to: string, more: Partial<CopyStart>) => {
    const start = CopyStart.fromPartial({ path: to, isInto: true, isAsIs: true, ...more });
    let told = "";
    for await (const { part } of copy({ path, users }, start, input(), signal))
      if (part?.$case === "stderr") told += Buffer.from(part.value).toString();
    return told;
  };
  await run("copies", ["mkdir", "-p", "/in", "/v/in"]);
  expect(await into("/in", { keepsOwners: true })).toBe("pipe is a fifo and was left out\n");
  await into("/v/in", { keepsOwners: true });
  await run("copies", ["mkdir", "/v/root"]);
  await into("/v/root", {});
  const owners = await run("copies", ["sh", "-c", "stat -c %u:%g /in/* /v/in/* /v/root/*"]);
  expect(owners.trim().split("\n")).toEqual(["1000:50", "65534:0", "1000:50", "65534:0", "0:0", "0:0"]);
  await expect(into("/nowhere", {})).rejects.toMatchObject({ code: "not_found" });
  const out = copy({ path, users }, CopyStart.fromPartial({ path: "/v/in/mine" }), input(), signal);
  const packed: Buffer[] = [];
  for await (const { part } of out) if (part?.$case === "stdout") packed.push(Buffer.from(part.value));
  const listed = execFileSync("tar", ["-tvf", "-", "--numeric-owner"], {
    input: Buffer.concat(packed),
    encoding: "utf8",
  });
  expect(listed).toContain(" 1000/50 ");
});

test("a user beyond the pod's ids is refused by name", async () => {
  const pod = userPod("beyond", {
    securityContext: { runAsUser: 70_000 },
    containers: [{ name: "web", image, command: ["true"] }],
  });
  loop.setDesired(pod);
  const status = await machine.until(
    "beyond",
    "to wait",
    ({ containerStatuses }) => containerStatuses[0]?.state?.waiting?.reason === "CreateContainerConfigError",
  );
  expect(status.containerStatuses[0]?.state?.waiting?.message).toMatch(/id 70000 is beyond the 65536 ids/);
});

test("what is kept of who has which ids outlives the agent, and a pod that runs keeps running", async () => {
  const pod = userPod("kept", { containers: [{ name: "web", image, command: ["sh", "-c", FOREVER] }] });
  loop.setDesired(pod);
  const pid = await runningPid("kept");
  const ids = machine.podNamespaces.idsOf("kept");
  await machine.stopAgent();
  loop = await machine.start();
  loop.setDesired(pod);
  expect(await runningPid("kept")).toBe(pid);
  expect(machine.podNamespaces.idsOf("kept")).toEqual(ids);
  expect(readFileSync(`/proc/${pid}/uid_map`, "utf8")).toContain(`${ids?.first}`);
});

test("a stopped pod keeps its ids with its files: what it wrote is still its root's when it starts again, in this agent and in the next", async () => {
  const script = `[ -e /own ] || touch /own; stat -c 'own %u' /own; stat -c 'root %u' /; ${FOREVER}`;
  const want = (more: Record<string, string>): void => {
    const containers = [{ name: "web", image, command: ["sh", "-c", script] }];
    const of = userPod("lasting", { containers }, { [KEEP_FILES]: "true", ...more });
    loop.setDesired({ ...of, status: machine.statuses.get("lasting") });
  };
  const log = (attempt: number) => wordsOf(machine.log({ podUid: "lasting", container: "web", attempt }));
  const saysAgain = async (attempt: number): Promise<void> => {
    await runningPid("lasting");
    const told = (): string => {
      const logs = readdirSync(join(machine.dataDir, "logs/lasting/web"));
      return `its words; logs are ${logs.join()}, status ${JSON.stringify(machine.statuses.get("lasting"))}`;
    };
    await waitFor(told, () => log(attempt).includes("root"));
    expect(log(attempt)).toMatch(/^own 0\nroot 0\n/);
    expect(machine.podNamespaces.idsOf("lasting")).toEqual(ids);
  };
  const stopped = async (more: Record<string, string>): Promise<void> => {
    want({ [STOPPED]: "", ...more });
    await machine.until("lasting", "to have stopped", ({ phase }) => phase === "Succeeded");
  };
  want({});
  await runningPid("lasting");
  const ids = machine.podNamespaces.idsOf("lasting");
  await saysAgain(0);
  await stopped({});
  want({ [STARTS]: "1" });
  await saysAgain(1);
  await stopped({ [STARTS]: "1" });
  await machine.stopAgent();
  loop = await machine.start();
  want({ [STARTS]: "2" });
  await saysAgain(2);
});
