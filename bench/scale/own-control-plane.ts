import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { initCluster } from "../../controlplane/setup/init.js";
import type { HostConfig } from "../../lib/host-config.js";
import { type HostPaths, hostPaths } from "../../lib/host-paths.js";
import { hostPort } from "../../lib/host-port.js";
import { silentLog } from "../../lib/log.js";
import type { KeyPair } from "../../lib/pki/issue.js";
import { systemClock } from "../../lib/system-clock.js";
import { systemRng } from "../../lib/system-rng.js";
import { freePort, killMember } from "../../test/kit/etcd.js";
import { ROOT } from "../../test/kit/root.js";
import { TEST_CLUSTER } from "../../test/kit/test-cluster.js";
import { waitFor } from "../../test/kit/wait.js";

/** A control plane with its etcd on loopback, without any host: a process of its own, as it is shipped. */
export interface OwnControlPlane {
  /** host:port of its API. */
  readonly address: string;
  readonly pid: number;
  /** Context file of its administrator. */
  readonly configPath: string;
  /** The cluster's authority, to make nodes of. */
  readonly authority: KeyPair;
  /** Ends it and removes what it wrote. */
  remove(): Promise<void>;
}

/** It gets so long to end by itself. */
const END_MS = 20_000;

/** Makes a cluster and starts its control plane; what it says goes to standard error. */
export async function startControlPlane(): Promise<OwnControlPlane> {
  const root = mkdtempSync(join(tmpdir(), "tallship-scale-"));
  const paths = hostPaths({
    configDir: join(root, "etc"),
    dataDir: join(root, "var"),
    runDir: join(root, "run"),
  });
  const numbers = await Promise.all(Array.from({ length: 7 }, freePort));
  const [api = 0, join_ = 0, web = 0, node = 0, etcdClient = 0, etcdPeer = 0, probe = 0] = numbers;
  const ports = { api, join: join_, web, node, etcdClient, etcdPeer, probe };
  const host: HostConfig = { name: "control", advertiseAddress: "127.0.0.1", isControlPlane: true, ports };
  const home = process.env["HOME"];
  // The administrator's own configuration is not to be changed.
  process.env["HOME"] = root;
  try {
    await initCluster(
      { paths, host, cluster: TEST_CLUSTER, routes: [] },
      { clock: systemClock, rng: systemRng, log: silentLog },
    );
  } finally {
    process.env["HOME"] = home;
  }
  const folders = ["--config-dir", paths.configDir, "--data-dir", paths.dataDir, "--run-dir", paths.runDir];
  const child = spawn(join(ROOT, "bin/tallshipd"), ["controlplane", ...folders, "--log-level", "error"], {
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...process.env, HOME: root },
  });
  // A bench that is told to stop leaves neither behind.
  process.once("SIGTERM", () => process.exit(143));
  process.once("exit", () => {
    child.kill("SIGKILL");
    killMember(paths.etcd);
  });
  return {
    address: hostPort(host.advertiseAddress, api),
    pid: child.pid ?? 0,
    configPath: paths.adminContext,
    authority: {
      certificatePem: readFileSync(paths.ca, "utf8"),
      keyPem: readFileSync(paths.caKey, "utf8"),
    },
    remove: () => remove(root, paths, child),
  };
}

async function remove(root: string, paths: HostPaths, child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    child.kill("SIGTERM");
    const killing = setTimeout(() => child.kill("SIGKILL"), END_MS);
    await new Promise((resolve) => child.once("exit", resolve));
    clearTimeout(killing);
  }
  killMember(paths.etcd);
  await waitFor("the files to be unused", () => {
    rmSync(root, { recursive: true, force: true });
    return true;
  });
}
