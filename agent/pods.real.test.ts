import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createTcpServer, type Server } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ULIMITS } from "../kinds/ulimits.js";
import { limit } from "../lib/limits.js";
import { Pod } from "../proto/gen/tallship/v1/pod.js";
import { Service } from "../proto/gen/tallship/v1/service.js";
import { AgentMachine, deleted, testPod } from "../test/kit/agent-machine.js";
import { waitFor } from "../test/kit/wait.js";
import { podCgroup } from "./cgroup/hierarchies.js";
import { mountedHierarchies } from "./cgroup/pod-cgroups.js";
import type { PodLoop } from "./pod-loop.js";
import { sharedFolder } from "./runtime/oci/paths.js";

let machine: AgentMachine;
let loop: PodLoop;

beforeEach(async () => {
  machine = new AgentMachine();
  loop = await machine.start();
});
afterEach(async () => machine.close());

const image = "busybox";
const volumes = [{ name: "shared", emptyDir: {} }];
const volumeMounts = [{ name: "shared", mountPath: "/shared" }];
const sh = (script: string) => ({ image, command: ["sh", "-c", script], volumeMounts });
const serve = sh("trap 'exit 0' TERM; while :; do sleep 0.05; done");
const port = (value: number) => ({ value: { $case: "intVal", value } }) as const;
const quick = { periodSeconds: 1, timeoutSeconds: 1 };
const reasons = (): readonly string[] => machine.notices.map(({ reason }) => reason);

test("init containers work one after the other, a sidecar beside the rest, and the sidecar ends last", async () => {
  const note = (word: string) => `echo ${word} >> /shared/order`;
  const pod = testPod("init", {
    restartPolicy: "Never",
    volumes,
    initContainers: [
      { name: "first", ...sh(`sleep 0.2; ${note("first")}`) },
      {
        name: "proxy",
        ...sh(`${note("proxy")}; trap '${note("end")}; exit 0' TERM; touch /up; while :; do sleep 0.05; done`),
        restartPolicy: "Always",
        startupProbe: { exec: { command: ["test", "-e", "/up"] }, ...quick },
      },
      { name: "last", ...sh(note("last")) },
    ],
    containers: [{ name: "web", ...sh(`${note("web")}; sleep 0.2; cat /shared/order`) }],
  });
  loop.setDesired(pod);
  const done = await machine.until("init", "to have succeeded", ({ phase }) => phase === "Succeeded");
  expect(machine.log({ podUid: "init", container: "web", attempt: 0 })).toMatch(
    /first[\s\S]*proxy[\s\S]*last[\s\S]*web/,
  );
  expect(done.initContainerStatuses.map(({ state }) => state?.terminated?.exitCode)).toEqual([0, 0, 0]);
});

test("a failing liveness probe restarts its container, a failing readiness probe takes it from its services", async () => {
  const pod = testPod("health", {
    volumes,
    containers: [
      {
        name: "web",
        ...serve,
        readinessProbe: { exec: { command: ["test", "-e", "/shared/ready"] }, ...quick, failureThreshold: 1 },
        livenessProbe: { exec: { command: ["test", "!", "-e", "/shared/sick"] }, ...quick, failureThreshold: 1 },
      },
      { name: "shell", ...serve },
    ],
  });
  loop.setDesired(pod);
  const ready = (is: boolean) =>
    machine.until("health", `web to be ready: ${is}`, ({ containerStatuses }) => containerStatuses[0]?.ready === is);
  await machine.until("health", "to run", ({ phase }) => phase === "Running");
  const exec = async (command: string) => {
    const key = { podUid: "health", container: "shell", attempt: 0 };
    const session = await machine.driver.exec(key, {
      command: ["sh", "-c", command],
      hasTerminal: false,
      hasStdin: false,
      size: undefined,
    });
    for await (const _ of session.output);
  };
  expect(machine.statuses.get("health")?.containerStatuses[0]).toMatchObject({ ready: false, started: true });
  await exec("touch /shared/ready");
  await ready(true);
  await machine.stopAgent();
  machine.statuses.clear();
  loop = await machine.start();
  loop.setDesired(pod);
  await machine.until("health", "to be taken up", () => true);
  expect(machine.statuses.get("health")?.containerStatuses[0]?.ready).toBe(true);
  await exec("rm /shared/ready");
  await ready(false);
  await exec("touch /shared/sick");
  const again = await machine.until(
    "health",
    "a restart",
    ({ containerStatuses }) => (containerStatuses[0]?.restartCount ?? 0) > 0,
  );
  expect(again.containerStatuses[1]?.restartCount).toBe(0);
  expect(reasons()).toContain("Unhealthy");
});

test("hooks: a failing one after the start ends the container, one before the stop is waited for within the grace", async () => {
  const broken = testPod("broken", {
    containers: [
      { name: "web", ...serve, volumeMounts: [], lifecycle: { postStart: { exec: { command: ["false"] } } } },
    ],
  });
  loop.setDesired(broken);
  await machine.until(
    "broken",
    "a restart",
    ({ containerStatuses }) => containerStatuses[0]?.lastState?.terminated !== undefined,
  );
  expect(reasons()).toContain("FailedPostStartHook");
  const hooked = testPod("hooked", {
    containers: [{ name: "web", ...serve, volumeMounts: [], lifecycle: { preStop: { sleep: { seconds: 1 } } } }],
  });
  loop.setDesired(hooked);
  await machine.until("hooked", "to run", ({ phase }) => phase === "Running");
  const from = performance.now();
  loop.setDesired(deleted(hooked, 10));
  await waitFor("the pod to go", () => machine.released.includes("hooked"));
  const tookMs = performance.now() - from;
  expect(tookMs).toBeGreaterThan(1_000);
  expect(tookMs).toBeLessThan(9_000); // The grace is ten.
});

test("probes over the network: http with headers and redirects, tcp, and what does not answer", async () => {
  const asked: string[] = [];
  const web = await listening(
    createServer((request, response) => {
      asked.push(`${request.url} ${request.headers["x-who"] ?? ""}`);
      const [status, location] =
        request.url === "/from" ? [302, "/to"] : [request.url === "/bad" ? 500 : 200, undefined];
      response.writeHead(status, location === undefined ? {} : { Location: location }).end("hello");
    }),
  );
  const tcp = await listening(createTcpServer((socket) => socket.destroy()));
  const httpGet = (path: string) => ({ path, port: port(web.port), scheme: "HTTP", host: "127.0.0.1" });
  const container = (name: string, readinessProbe: object) => ({
    name,
    ...serve,
    volumeMounts: [],
    readinessProbe: { ...readinessProbe, ...quick },
  });
  const pod = testPod("net", {
    containers: [
      container("good", { httpGet: { ...httpGet("/from"), httpHeaders: [{ name: "X-Who", value: "me" }] } }),
      container("bad", { httpGet: httpGet("/bad") }),
      container("open", { tcpSocket: { port: port(tcp.port), host: "127.0.0.1" } }),
      container("shut", { tcpSocket: { port: port(1), host: "127.0.0.1" } }),
    ],
  });
  loop.setDesired(pod);
  await machine.until(
    "net",
    "the good ones to be ready",
    ({ containerStatuses: [good, , open] }) => good?.ready === true && open?.ready === true,
  );
  expect(asked).toContain("/to me");
  const isTold = (what: RegExp): boolean => machine.notices.some(({ message }) => what.test(message));
  await waitFor("the others' failures to be told", () =>
    [/HTTP probe failed with statuscode: 500/, /dial tcp 127.0.0.1:1: .*ECONNREFUSED/].every(isTold),
  );
  const [, bad, , shut] = machine.statuses.get("net")?.containerStatuses ?? [];
  expect([bad?.ready, shut?.ready]).toEqual([false, false]);
  web.close();
  tcp.close();
});

test("last words: from the file, from the log where the policy says so, and the deadline of a pod", async () => {
  const plain = (script: string) => ({ ...sh(script), volumeMounts: [] });
  const pod = testPod("words", {
    restartPolicy: "Never",
    containers: [
      { name: "file", ...plain("echo -n goodbye > /dev/termination-log; exit 3") },
      { name: "own", ...plain("echo -n bye > /tmp/words"), terminationMessagePath: "/tmp/words" },
      { name: "log", ...plain("echo first; echo last; exit 1"), terminationMessagePolicy: "FallbackToLogsOnError" },
      { name: "none", ...plain("echo first; exit 1") },
    ],
  });
  loop.setDesired(pod);
  const { containerStatuses } = await machine.until("words", "to have failed", ({ phase }) => phase === "Failed");
  const messages = containerStatuses.map(({ state }) => state?.terminated?.message);
  expect(messages).toEqual(["goodbye", "bye", "first\nlast\n", ""]);
  loop.setDesired(
    testPod("late", { activeDeadlineSeconds: 4, containers: [{ name: "web", ...serve, volumeMounts: [] }] }),
  );
  const late = await machine.until("late", "to have failed", ({ phase }) => phase === "Failed");
  expect(late).toMatchObject({
    reason: "DeadlineExceeded",
    containerStatuses: [{ state: { terminated: { exitCode: 0 } } }],
  });
});

test("what a pod asks of its namespaces, mounts and environment is so in its containers", async () => {
  machine.services.push(
    Service.fromPartial({
      metadata: { name: "db", namespace: "default" },
      spec: { clusterIP: "10.96.0.9", ports: [{ port: 5432 }] },
    }),
  );
  mkdirSync(`${machine.dataDir}/seccomp`, { recursive: true });
  const profile = {
    defaultAction: "SCMP_ACT_ALLOW",
    syscalls: [{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO" }],
  };
  writeFileSync(`${machine.dataDir}/seccomp/no-mkdir.json`, JSON.stringify(profile));
  const script = [
    "echo pids $(ls /proc | grep -c '^[0-9]')",
    "echo db $DB_SERVICE_HOST:$DB_SERVICE_PORT",
    "mkdir /made 2>/dev/null || echo refused",
    "echo shm $(cat /proc/sys/kernel/shm_rmid_forced)",
    "echo 1 > /proc/sys/kernel/shm_rmid_forced && echo open",
    "echo files $(ulimit -n) $(ulimit -Hn)",
    "echo x > /data/file; echo ro $(touch /ro/x 2>&1 | grep -c Read-only)",
    "sleep 0.3",
  ].join("; ");
  const pod = testPod("asks", {
    hostPID: true,
    restartPolicy: "Never",
    volumes,
    securityContext: { sysctls: [{ name: "kernel.shm_rmid_forced", value: "1" }] },
    containers: [
      {
        name: "web",
        ...sh(script),
        env: [{ name: "WHO", value: "me" }],
        volumeMounts: [
          { name: "shared", mountPath: "/data", subPathExpr: "of-$(WHO)" },
          { name: "shared", mountPath: "/ro", readOnly: true, recursiveReadOnly: "Enabled" },
        ],
        securityContext: {
          procMount: "Unmasked",
          seccompProfile: { type: "Localhost", localhostProfile: "no-mkdir.json" },
        },
      },
    ],
  });
  const annotations = { [ULIMITS]: "web.nofile=100:200" };
  loop.setDesired(Pod.fromPartial({ ...pod, metadata: { ...pod.metadata, annotations } }));
  await machine.until("asks", "to have succeeded", ({ phase }) => phase === "Succeeded");
  const log = machine.log({ podUid: "asks", container: "web", attempt: 0 });
  for (const want of ["db 10.96.0.9:5432", "refused", "shm 1", "open", "files 100 200", "ro 1"])
    expect(log).toContain(want);
  expect(Number(/pids (\d+)/.exec(log)?.[1])).toBeGreaterThan(10);
});

test("a projected volume joins its sources in one folder, and shows new labels while the container runs", async () => {
  machine.configs.set("ConfigMap/web", { revision: 1, values: { greeting: Buffer.from("hello") } });
  const labels = { path: "labels", fieldRef: { fieldPath: "metadata.labels" } };
  const sources = [{ configMap: { name: "web" } }, { downwardAPI: { items: [labels] } }];
  const pod = (app: string): Pod => {
    const of = testPod("shown", {
      volumes: [{ name: "all", projected: { sources } }],
      containers: [
        {
          name: "web",
          ...sh("while :; do echo $(cat /all/greeting /all/labels); sleep 0.1; done"),
          volumeMounts: [{ name: "all", mountPath: "/all" }],
        },
      ],
    });
    return Pod.fromPartial({ ...of, metadata: { ...of.metadata, labels: { app } } });
  };
  const log = (): string => machine.log({ podUid: "shown", container: "web", attempt: 0 });
  loop.setDesired(pod("old"));
  await machine.until("shown", "to run", ({ phase }) => phase === "Running");
  await waitFor("the old label", () => log().includes('helloapp="old"'));
  loop.setDesired(pod("new"));
  await waitFor("the new label", () => log().includes('helloapp="new"'));
});

test("a mount travels into a container that asks for it, from a container that may send it, and to no other", async () => {
  const path = `${machine.machine.paths.runDir}/travels`;
  mkdirSync(path);
  const mounts = (mountPropagation: string) => [{ name: "host", mountPath: "/host", mountPropagation }];
  const looks = "while ! test -e /host/over/file && ! test -e /host/end; do sleep 0.05; done; ls /host/over";
  const pod = testPod("travels", {
    restartPolicy: "Never",
    volumes: [{ name: "host", hostPath: { path } }],
    containers: [
      { name: "none", ...sh(looks), volumeMounts: mounts("") },
      { name: "in", ...sh(looks), volumeMounts: mounts("HostToContainer") },
      {
        name: "both",
        ...sh(
          "while ! test -e /host/go; do sleep 0.05; done; mkdir -p /host/over; mount -t tmpfs x /host/over && touch /host/over/file; sleep 1000",
        ),
        volumeMounts: mounts("Bidirectional"),
        securityContext: { capabilities: { add: ["SYS_ADMIN"] } },
      },
    ],
  });
  loop.setDesired(pod);
  await machine.until("travels", "to run", ({ phase }) => phase === "Running");
  writeFileSync(`${path}/go`, "");
  const { containerStatuses } = await machine.until(
    "travels",
    "the mount to arrive",
    ({ containerStatuses: [, into] }) => into?.state?.terminated !== undefined,
  );
  expect(containerStatuses[1]?.state?.terminated?.exitCode).toBe(0);
  expect(machine.log({ podUid: "travels", container: "in", attempt: 0 })).toContain("file");
  expect(containerStatuses[0]?.state?.running).toBeDefined();
});

test("containers of a pod share memory, and processes where they ask for it; what dies in it is made anew, and nothing is left", async () => {
  const plain = (script: string) => ({ ...sh(script), volumeMounts: [] });
  const looks = [
    "until test -e /dev/shm/word; do sleep 0.05; done; cat /dev/shm/word",
    "echo first $(tr '\\0' ' ' </proc/1/cmdline)",
    "echo others $(grep -l 432[1] /proc/[0-9]*/cmdline | wc -l)",
    "ls /proc/1/root/etc >/dev/null 2>&1 || echo closed",
    "echo ipc $(readlink /proc/self/ns/ipc)",
    "sleep 1000",
  ].join("; ");
  const pod = testPod("shares", {
    shareProcessNamespace: true,
    containers: [
      {
        name: "web",
        ...plain("echo hello > /dev/shm/word; echo ipc $(readlink /proc/self/ns/ipc); sleep 4321"),
      },
      { name: "look", ...plain(looks), securityContext: { capabilities: { add: ["SYS_PTRACE"] } } },
    ],
  });
  loop.setDesired(pod);
  const log = (container: string, attempt = 0): string => machine.log({ podUid: "shares", container, attempt });
  await machine.until("shares", "to run", ({ phase }) => phase === "Running");
  await waitFor("what both say", () => ["look", "web"].every((name) => log(name).includes("ipc ")));
  for (const want of ["hello", "first sleep infinity", "closed"]) expect(log("look")).toContain(want);
  expect(Number(/others (\d+)/.exec(log("look"))?.[1])).toBeGreaterThan(0);
  expect(/ipc:\[\d+\]/.exec(log("look"))?.[0]).toBe(/ipc:\[\d+\]/.exec(log("web"))?.[0]);
  const folder = sharedFolder(machine.machine.paths, "shares");
  const holder = Number(readFileSync(`${folder}/holder`, "utf8"));
  process.kill(holder, "SIGKILL");
  const again = await machine.until("shares", "both to run again", ({ containerStatuses }) =>
    containerStatuses.every(({ restartCount, state }) => restartCount > 0 && state?.running !== undefined),
  );
  expect(again.containerStatuses[0]?.lastState?.terminated?.exitCode).toBe(137);
  const second = Number(readFileSync(`${folder}/holder`, "utf8"));
  expect(second).not.toBe(holder);
  loop.setDesired(deleted(pod, 0));
  await waitFor("the pod to go", () => machine.released.includes("shares"));
  expect(existsSync(folder)).toBe(false);
  expect(() => readFileSync(`/proc/${second}/environ`, "utf8")).toThrow();
});

test("what a container leaves running among shared processes ends with it", async () => {
  const plain = (script: string) => ({ ...sh(script), volumeMounts: [] });
  const count = "grep -l 432[1] /proc/[0-9]*/cmdline 2>/dev/null | wc -l";
  const pod = testPod("leaves", {
    shareProcessNamespace: true,
    restartPolicy: "Never",
    containers: [
      { name: "short", ...plain("sleep 4321 & sleep 0.5") },
      { name: "look", ...plain(`while :; do echo seen $(${count}); sleep 0.1; done`) },
    ],
  });
  loop.setDesired(pod);
  const log = (): string => machine.log({ podUid: "leaves", container: "look", attempt: 0 });
  await waitFor("it to be seen", () => /seen [1-9]/.test(log()));
  await machine.until(
    "leaves",
    "short to end",
    ({ containerStatuses: [short] }) => short?.state?.terminated?.exitCode === 0,
  );
  await waitFor("it to be gone", () => / seen 0\n$/.test(log()));
});

async function listening(
  server: Pick<Server, "listen" | "address" | "close">,
): Promise<{ port: number; close: () => void }> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return { port: typeof address === "object" && address !== null ? address.port : 0, close: () => server.close() };
}

test("all that runs in a pod has so many processes together, whatever each container has", async () => {
  const pod = testPod("many", { volumes, containers: [{ name: "main", ...serve }] });
  loop.setDesired(pod);
  await machine.until("many", "to run", ({ phase }) => phase === "Running");
  const group = podCgroup(machine.machine.cgroupParent, "many");
  const bounds = mountedHierarchies().map(({ mountPoint }) => `${mountPoint}${group}/pids.max`);
  const found = bounds.filter((path) => existsSync(path)).map((path) => Number(readFileSync(path, "utf8")));
  expect(found).toEqual([limit("podPidsDefault")]);
});
