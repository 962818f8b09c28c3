import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { get as httpsGet } from "node:https";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { connect as tlsConnect } from "node:tls";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { limit } from "../../lib/limits.js";
import { silentLog } from "../../lib/log.js";
import { createAuthority, issueKeyPair } from "../../lib/pki/issue.js";
import { systemClock } from "../../lib/system-clock.js";
import { systemRng } from "../../lib/system-rng.js";
import { freePort } from "../../test/kit/etcd.js";
import { waitFor } from "../../test/kit/wait.js";
import { etcdStore } from "../store/etcd.js";
import { type EtcdAddress, EtcdConnection } from "../store/etcd-connection.js";
import type { EtcdTls } from "../store/etcd-tls.js";
import type { Store } from "../store/store.js";
import { createMember, type EmbeddedEtcd, joinMember, openEmbeddedEtcd } from "./embedded-etcd.js";
import { boundLog, findHolder, lastLine } from "./etcd-process.js";
import { memberPaths } from "./member-files.js";
import { endpointsOf, listMembers, removeMember } from "./members.js";

const binary = process.env.TALLSHIP_TEST_ETCD ?? "etcd";
const deps = { clock: systemClock, rng: systemRng, log: silentLog };
let root: string;
let cleanups: (() => Promise<void> | void)[];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "tallship-embedded-"));
  cleanups = [];
});
afterEach(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
  rmSync(root, { recursive: true, force: true });
});

interface Running {
  readonly etcd: EmbeddedEtcd;
  readonly directory: string;
  readonly peerPort: number;
  /** Ends supervision; etcd runs on. */
  readonly leave: () => Promise<void>;
}

async function run(directory: string, ports: readonly [number, number]): Promise<Running> {
  const [clientPort, peerPort] = ports;
  const etcd = await openEmbeddedEtcd({ directory, binary, clientPort, peerPort }, deps);
  const stop = new AbortController();
  const running = etcd.run(stop.signal);
  const leave = async (): Promise<void> => {
    stop.abort();
    await running;
  };
  cleanups.push(async () => {
    await leave();
    await etcd.stop();
  });
  await etcd.ready(AbortSignal.timeout(20_000));
  return { etcd, directory, peerPort, leave };
}

async function first(): Promise<Running> {
  const directory = join(root, "a");
  await createMember(directory, "a", deps);
  return run(directory, [await freePort(), await freePort()]);
}

function storeOf(address: EtcdAddress): Store {
  const store = etcdStore(address, deps);
  cleanups.push(() => store.close());
  return store;
}

async function write(store: Store, key: string): Promise<void> {
  await store.transact({ checks: [], writes: [{ op: "put", key, value: Buffer.from(key) }] });
}

const pidOf = (etcd: EmbeddedEtcd): number => etcd.pid ?? 0;

test("a store works over mTLS 1.3, and etcd listens on loopback only", async () => {
  const { etcd } = await first();
  const store = storeOf(etcd.address);
  await write(store, "/x");
  expect(await store.get("/x")).toMatchObject({ key: "/x" });
  const listening = execFileSync("ss", ["-Hltnp"]).toString().split("\n");
  const own = listening
    .filter((line) => line.includes(`pid=${pidOf(etcd)},`))
    .map((line) => line.split(/\s+/)[3] ?? "");
  expect(own).toHaveLength(2);
  expect(own.every((address) => address.startsWith("127.0.0.1:"))).toBe(true);
  const facts = await handshake(etcd.address);
  expect(facts.protocol).toBe("TLSv1.3");
});

describe("etcd refuses", () => {
  const authority = createAuthority({ name: "cluster", nowMs: Date.now(), lifeMs: 3_600_000 }, systemRng);
  const signed = (organization: string) => {
    const subject = { name: "someone", organization };
    const times = { nowMs: Date.now(), lifeMs: 3_600_000 };
    return issueKeyPair(authority, { subject, addresses: [], usages: ["client"], ...times }, systemRng);
  };
  // Certificates of the cluster CA: right in every way but their authority.
  test.each(["node", "admin", "control-plane"])("a certificate of the cluster CA with role %s", async (role) => {
    const { etcd } = await first();
    const pair = signed(role);
    const own = etcd.address.tls?.();
    const tls: EtcdTls = {
      ca: own?.ca ?? Buffer.alloc(0),
      certificate: Buffer.from(pair.certificatePem),
      key: Buffer.from(pair.keyPem),
    };
    const store = storeOf({ endpoints: etcd.address.endpoints, tls: () => tls });
    await expect(store.get("/x")).rejects.toMatchObject({ code: "store_unavailable" });
    expect(await storeOf(etcd.address).get("/x")).toBeUndefined();
  });

  test("plain text, and no certificate", async () => {
    const { etcd } = await first();
    const store = storeOf({ endpoints: etcd.address.endpoints });
    await expect(store.get("/x")).rejects.toMatchObject({ code: "store_unavailable" });
    await expect(request(etcd.address)).rejects.toThrow(/certificate required|ECONNRESET|bad certificate/);
  });
});

test("an etcd that is killed is started again, and clients find it without doing anything", async () => {
  const { etcd } = await first();
  const store = storeOf(etcd.address);
  await write(store, "/x");
  const before = pidOf(etcd);
  process.kill(before, "SIGKILL");
  await waitFor("the store to answer again", () => store.get("/x"));
  expect(pidOf(etcd)).not.toBe(before);
});

test("the supervisor leaves etcd running, and the next one adopts it, also without the pid file", async () => {
  const started = await first();
  const pid = pidOf(started.etcd);
  await started.leave();
  expect(await findHolder(memberPaths(started.directory).data, memberPaths(started.directory).pid)).toMatchObject({
    pid,
  });
  rmSync(memberPaths(started.directory).pid);
  const again = await run(started.directory, portsOf(started.etcd, started.peerPort));
  expect(pidOf(again.etcd)).toBe(pid);
  // An adopted etcd is no child of the second supervisor: its end is seen all the same.
  process.kill(pid, "SIGKILL");
  await waitFor("another etcd", () => pidOf(again.etcd) !== 0 && pidOf(again.etcd) !== pid);
  await again.etcd.ready(AbortSignal.timeout(5_000));
});

test("a control plane that is killed with its whole process group leaves etcd running, and its successor adopts the pid", async () => {
  const directory = join(root, "a");
  await createMember(directory, "a", deps);
  const program = await bundleProgram(directory, [await freePort(), await freePort()]);
  const one = startProgram(program);
  const pid = await reported(one);
  process.kill(-(one.pid ?? 0), "SIGKILL");
  await once(one, "exit");
  const two = startProgram(program);
  expect(await reported(two)).toBe(pid);
  two.kill("SIGKILL");
  await once(two, "exit");
  process.kill(pid, "SIGKILL");
});

test("etcd with other arguments is replaced by one with the wanted", async () => {
  const started = await first();
  const pid = pidOf(started.etcd);
  await started.leave();
  const again = await run(started.directory, [await freePort(), started.peerPort]);
  expect(pidOf(again.etcd)).not.toBe(pid);
  expect(await storeOf(again.etcd.address).get("/x")).toBeUndefined();
});

test("a data directory that something else holds is refused", async () => {
  const started = await first();
  await started.leave();
  await started.etcd.stop();
  const database = join(memberPaths(started.directory).data, "member/snap/db");
  const other = spawn("flock", [database, "sleep", "600"], { stdio: "ignore", detached: true });
  cleanups.push(() => {
    process.kill(-(other.pid ?? 0), "SIGKILL");
  });
  await waitFor("flock to hold", () => readFileSync("/proc/locks", "utf8").includes(`:${statSync(database).ino} `));
  const [clientPort, peerPort] = portsOf(started.etcd, started.peerPort);
  const options = { directory: started.directory, binary, clientPort, peerPort };
  const refused = await openEmbeddedEtcd(options, deps);
  await expect(refused.run(new AbortController().signal)).rejects.toMatchObject({ code: "failed_precondition" });
});

test("an etcd that cannot start is tried at growing distances, and its log tells why", async () => {
  const directory = join(root, "a");
  const starts = join(root, "starts");
  const broken = join(root, "etcd");
  writeFileSync(
    broken,
    `#!/bin/sh\n[ "$1" = --version ] && exec ${binary} --version\necho start >> ${starts}\necho "no disk" >&2\nexit 1\n`,
  );
  chmodSync(broken, 0o755);
  await createMember(directory, "a", deps);
  const ports = { clientPort: await freePort(), peerPort: await freePort() };
  const etcd = await openEmbeddedEtcd({ directory, binary: broken, ...ports }, deps);
  const stop = new AbortController();
  const running = etcd.run(stop.signal);
  const count = (): number => readFileSync(starts, "utf8").split("\n").length - 1;
  await waitFor("three starts", () => count() >= 3);
  await systemClock.sleep(1_000, stop.signal);
  expect(count()).toBeLessThanOrEqual(6);
  expect(await lastLine(memberPaths(directory).log)).toBe("no disk");
  expect(await lastLine("/nowhere")).toBe("");
  stop.abort();
  await running;
});

test("a renewed certificate is shown without a restart", async () => {
  const { etcd, directory } = await first();
  const pid = pidOf(etcd);
  const before = await handshake(etcd.address);
  rmSync(memberPaths(directory).pair);
  await etcd.renewCertificate();
  const after = await handshake(etcd.address);
  expect(after.serial).not.toBe(before.serial);
  expect(pidOf(etcd)).toBe(pid);
});

test("a log beyond its bound is moved away, and etcd goes on writing", async () => {
  const { etcd, directory } = await first();
  const { log } = memberPaths(directory);
  writeFileSync(log, "x".repeat(10_000));
  await boundLog(log, 20_000);
  expect(statSync(log).size).toBe(10_000);
  await boundLog(log, 9_999);
  expect(statSync(log).size).toBe(0);
  expect(statSync(`${log}.1`).size).toBe(10_000);
  // A connection without a certificate makes etcd write a warning.
  await request(etcd.address).catch(() => undefined);
  await waitFor("etcd to write", () => statSync(log).size > 0);
  expect(statSync(log).size).toBeLessThan(10_000);
});

test("three members: the first becomes reachable, the others join without a vote and get one; one lost changes nothing", async () => {
  const a = await first();
  const aliveStore = storeOf(a.etcd.address);
  await write(aliveStore, "/before");
  const join2 = async (name: string, address: string): Promise<Running> => {
    const ports: [number, number] = [await freePort(), await freePort()];
    const admission = await a.etcd.admit({ name, address, peerPort: ports[1] }, "127.0.0.4");
    const directory = join(root, name);
    await joinMember(directory, { name, address, admission });
    return run(directory, ports);
  };
  const b = await join2("b", "127.0.0.2");
  const c = await join2("c", "127.0.0.3");
  const connection = new EtcdConnection(c.etcd.address, systemClock, silentLog);
  cleanups.push(() => connection.close());
  const members = await listMembers(connection);
  expect(members.map(({ name, isLearner }) => `${name} ${isLearner}`).sort()).toEqual([
    "a false",
    "b false",
    "c false",
  ]);
  expect(endpointsOf(members)).toHaveLength(3);
  // Written through one, read through another.
  const store = storeOf(c.etcd.address);
  expect(await store.get("/before")).toBeDefined();
  const known = () => a.etcd.address.endpoints().length === 3;
  await waitFor("the first member to know the others", known, { deadlineMs: 15_000 });
  await a.leave();
  await a.etcd.stop();
  await waitFor("two of three to take writes", async () => {
    await write(store, "/after");
    return true;
  });
  expect(await storeOf(b.etcd.address).get("/after")).toBeDefined();
  // The store of the member that is gone goes on with the others.
  await waitFor("the first member's store to move", () => aliveStore.get("/after"));
  const gone = members.find(({ name }) => name === "a")?.id ?? "";
  await waitFor("the member to be removed", async () => {
    await removeMember(connection, gone);
    return (await listMembers(connection)).length === 2;
  });
  await removeMember(connection, gone);
});

function portsOf(etcd: EmbeddedEtcd, peerPort: number): readonly [number, number] {
  const [endpoint = ""] = etcd.address.endpoints();
  return [Number(endpoint.split(":")[1]), peerPort];
}

async function handshake(address: EtcdAddress): Promise<{ readonly protocol: string | null; readonly serial: string }> {
  const tls = address.tls?.();
  const [host = "", port = ""] = (address.endpoints()[0] ?? "").split(":");
  const parts = {
    ca: Buffer.from(tls?.ca ?? ""),
    cert: Buffer.from(tls?.certificate ?? ""),
    key: Buffer.from(tls?.key ?? ""),
  };
  const socket = tlsConnect({ host, port: Number(port), servername: tls?.serverName, ...parts });
  await once(socket, "secureConnect");
  const facts = { protocol: socket.getProtocol(), serial: socket.getPeerCertificate().serialNumber };
  socket.destroy();
  return facts;
}

/** Asks for etcd's health as somebody who trusts its CA and has no certificate of his own. */
async function request(address: EtcdAddress): Promise<void> {
  const tls = address.tls?.();
  const [host = "", port = ""] = (address.endpoints()[0] ?? "").split(":");
  const options = { host, port, path: "/health", servername: tls?.serverName, ca: Buffer.from(tls?.ca ?? "") };
  await new Promise<void>((resolve, reject) => {
    httpsGet(options, () => resolve()).on("error", reject);
  });
}

/** A control plane that does nothing but run etcd and print its pid once it is ready. */
async function bundleProgram(directory: string, [clientPort, peerPort]: readonly [number, number]): Promise<string> {
  const options = JSON.stringify({ directory, binary, clientPort, peerPort });
  const here = dirname(fileURLToPath(import.meta.url));
  const outfile = join(root, "program.cjs");
  await build({
    stdin: {
      resolveDir: here,
      contents: `
        import { silentLog } from "../../lib/log.js";
        import { systemClock } from "../../lib/system-clock.js";
        import { systemRng } from "../../lib/system-rng.js";
        import { openEmbeddedEtcd } from "./embedded-etcd.js";
        void (async () => {
          const etcd = await openEmbeddedEtcd(${options}, { clock: systemClock, rng: systemRng, log: silentLog });
          const signal = new AbortController().signal;
          void etcd.run(signal);
          await etcd.ready(signal);
          console.log(etcd.pid);
        })();`,
    },
    outfile,
    bundle: true,
    platform: "node",
    format: "cjs",
    // etcd3 reads its schema from beside its own file, and knows credentials by their class.
    external: ["etcd3", "@grpc/grpc-js"],
    logLevel: "warning",
  });
  return outfile;
}

function startProgram(program: string): ChildProcess {
  const env = { ...process.env, NODE_PATH: join(dirname(fileURLToPath(import.meta.url)), "../../node_modules") };
  return spawn(process.execPath, [program], { stdio: ["ignore", "pipe", "inherit"], detached: true, env });
}

async function reported(program: ChildProcess): Promise<number> {
  const { stdout } = program;
  if (stdout === null) throw new Error("no output");
  const [line] = await once(stdout, "data");
  return Number(String(line).trim());
}

test("the limit for a stop leaves etcd time to sync", () => {
  expect(limit("etcdStopMs")).toBeGreaterThan(limit("storeDeadlineMs"));
});
