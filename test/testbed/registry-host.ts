import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run, startDetached, tryRun } from "../kit/shell.js";
import { waitFor } from "../kit/wait.js";
import { endBatch, type Layout, linkBatch } from "./layout.js";

/** Starts the registry host: Debian's docker-registry on the fabric, plain HTTP. */
export async function bootRegistry(layout: Layout): Promise<void> {
  const { registry } = layout;
  const folder = join(layout.diskDir, "registry");
  mkdirSync(join(folder, "storage"), { recursive: true });
  const config = join(folder, "config.yml");
  writeFileSync(
    config,
    `version: 0.1\nlog: { level: warn, accesslog: { disabled: true } }\nstorage:\n  filesystem: { rootdirectory: ${folder}/storage }\n  delete: { enabled: true }\nhttp: { addr: "0.0.0.0:5000" }\n`,
  );
  await run("ip", ["netns", "add", registry.netns]);
  await run("ip", ["-batch", "-"], { input: linkBatch(layout, registry) });
  await run("ip", ["-n", layout.fabricNetns, "-batch", "-"], {
    input: "link set registry master fabric\nlink set registry up\n",
  });
  await run("ip", ["-n", registry.netns, "-batch", "-"], { input: endBatch(registry.address) });
  await startRegistry(layout);
}

/** Starts the registry's process; it is not running. */
export async function startRegistry(layout: Layout): Promise<void> {
  const config = join(layout.diskDir, "registry/config.yml");
  startDetached(
    "nsenter",
    [`--net=/run/netns/${layout.registry.netns}`, "docker-registry", "serve", config],
    join(layout.runDir, "registry.log"),
  );
  await waitFor(
    "the registry to answer",
    async () => (await inRegistry(layout, ["curl", "-fsS", "http://127.0.0.1:5000/v2/"])).exitCode === 0,
    { deadlineMs: 20_000, everyMs: 50 },
  );
}

function inRegistry(layout: Layout, command: readonly string[]): ReturnType<typeof tryRun> {
  return tryRun("nsenter", [`--net=/run/netns/${layout.registry.netns}`, ...command]);
}

/** Stops the registry's process; its host stays. */
export async function stopRegistry(layout: Layout): Promise<void> {
  const { stdout } = await tryRun("ip", ["netns", "pids", layout.registry.netns]);
  for (const pid of stdout.split("\n").filter((line) => line !== "")) process.kill(Number(pid), "SIGKILL");
  await waitFor(
    "the registry to stop",
    async () => (await tryRun("ip", ["netns", "pids", layout.registry.netns])).stdout.trim() === "",
  );
}

/** Copies an image archive (docker-archive or OCI) into the registry as NAME:TAG. */
export async function pushArchive(layout: Layout, archive: string, reference: string): Promise<void> {
  const docker = await run("tar", ["-tf", archive]).then((names) =>
    names.split("\n").some((name) => name === "manifest.json" || name === "./manifest.json"),
  );
  const source = `${docker ? "docker-archive" : "oci-archive"}:${archive}`;
  const target = `docker://${layout.registry.address}:5000/${withLibrary(reference)}`;
  const { exitCode, stderr } = await inRegistry(layout, [
    "skopeo",
    "copy",
    "--quiet",
    "--insecure-policy",
    "--dest-tls-verify=false",
    source,
    target,
  ]);
  if (exitCode !== 0) throw new Error(`push ${archive} as ${reference}: ${stderr.trim()}`);
}

/** The name a mirror is asked for: one-word names of the default registry live below library/. */
function withLibrary(reference: string): string {
  return reference.includes("/") ? reference : `library/${reference}`;
}

/** Ends the registry host. */
export async function powerOffRegistry(layout: Layout): Promise<void> {
  await stopRegistry(layout);
  await tryRun("ip", ["netns", "del", layout.registry.netns]);
}
