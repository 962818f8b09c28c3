// Edge: Debian's docker-registry.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./etcd.js";
import { waitFor } from "./wait.js";

/** A real registry on loopback with a folder of its own. */
export interface DockerRegistry {
  /** http://127.0.0.1:PORT */
  readonly origin: string;
  /** 127.0.0.1:PORT, as references name it. */
  readonly host: string;
  stop(): Promise<void>;
  /** Starts it again on its files and port. */
  start(): Promise<void>;
  /** Stops it and removes its files. */
  remove(): Promise<void>;
}

/** What a registry wants and offers. */
export interface DockerRegistryOptions {
  /** Lines NAME:BCRYPT that may log in; everybody when absent. */
  readonly htpasswd?: string;
}

/** Starts a registry and waits until it answers. */
export async function startDockerRegistry(options: DockerRegistryOptions = {}): Promise<DockerRegistry> {
  const folder = mkdtempSync(join(tmpdir(), "tallship-registry-"));
  const host = `127.0.0.1:${await freePort()}`;
  const auth =
    options.htpasswd === undefined ? [] : ["auth:", "  htpasswd:", "    realm: test", `    path: ${folder}/htpasswd`];
  if (options.htpasswd !== undefined) writeFileSync(join(folder, "htpasswd"), options.htpasswd);
  const config = [
    "version: 0.1",
    "log: {level: error}",
    "storage:",
    "  filesystem:",
    `    rootdirectory: ${folder}/data`,
  ];
  writeFileSync(join(folder, "config.yml"), [...config, "http:", `  addr: ${host}`, ...auth, ""].join("\n"));
  let child: ChildProcess;
  const start = async (): Promise<void> => {
    child = spawn("docker-registry", ["serve", join(folder, "config.yml")], { stdio: "ignore" });
    await waitFor("the registry to answer", async () =>
      [200, 401].includes((await fetch(`http://${host}/v2/`)).status),
    );
  };
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  };
  await start();
  const remove = async (): Promise<void> => {
    await stop();
    rmSync(folder, { recursive: true, force: true });
  };
  return { origin: `http://${host}`, host, stop, start, remove };
}
