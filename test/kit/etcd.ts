import { type ChildProcess, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { memberPaths } from "../../controlplane/etcd/member-files.js";
import { waitFor } from "./wait.js";

/** A real etcd on loopback, in a folder of its own, without TLS. */
export interface RealEtcd {
  /** host:port. */
  readonly endpoint: string;
  readonly pid: number;
  /** Sends a signal to the process. */
  signal(name: NodeJS.Signals): void;
  /** Kills it at once and waits until it is gone; its files stay. */
  kill(): Promise<void>;
  /** Starts it again on its files and ports; resolves when it answers. */
  start(): Promise<void>;
  /** Kills it and removes its files. */
  remove(): Promise<void>;
}

/** Ports below those that the kernel gives by itself: a connection or a listener beside the test would take one of these before its program does. */
const PORTS = { first: 10_000, end: 30_000 };

/** A TCP port that nobody listens on now. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(PORTS.first, PORTS.end);
    const server = createServer().listen(port, "127.0.0.1");
    const isFree = await once(server, "listening").then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    server.close();
    await once(server, "close");
    return port;
  }
}

/** Kills the etcd whose member has this folder, if it runs: whoever began it is gone, or should be. */
export function killMember(folder: string): void {
  try {
    process.kill(Number.parseInt(readFileSync(memberPaths(folder).pid, "utf8"), 10), "SIGKILL");
  } catch {
    // It never ran, or its files are gone with it.
  }
}

/** Starts an etcd and waits until it answers. */
export async function startEtcd(extraArgs: readonly string[] = []): Promise<RealEtcd> {
  const folder = mkdtempSync(join(tmpdir(), "tallship-etcd-"));
  const endpoint = `127.0.0.1:${await freePort()}`;
  const peer = `http://127.0.0.1:${await freePort()}`;
  const args = [
    ...["--data-dir", folder, "--name", "a", "--log-level", "error"],
    ...["--listen-client-urls", `http://${endpoint}`, "--advertise-client-urls", `http://${endpoint}`],
    ...["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", `a=${peer}`],
    ...extraArgs,
  ];
  let child: ChildProcess;
  const start = async (): Promise<void> => {
    child = spawn(process.env.TALLSHIP_TEST_ETCD ?? "etcd", args, {
      stdio: "ignore",
      env: { ...process.env, ETCD_UNSUPPORTED_ARCH: "" },
    });
    await waitFor("etcd to answer", async () => {
      const response = await fetch(`http://${endpoint}/health`);
      return (await response.text()).includes("true");
    });
  };
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  };
  await start();
  return {
    endpoint,
    get pid() {
      return child.pid ?? 0;
    },
    signal: (name) => child.kill(name),
    kill,
    start,
    remove: async () => {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
