import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { BuiltImage } from "../kit/built-image.js";
import { pushImage } from "../kit/registry-push.js";
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

/** Puts an image into the registry as NAME:TAG, over the loopback port that leads to it. */
export async function pushToRegistry(image: BuiltImage, reference: string, port: number): Promise<void> {
  const colon = reference.lastIndexOf(":");
  if (colon <= reference.lastIndexOf("/")) throw new Error(`image name "${reference}": want NAME:TAG`);
  const name = reference.slice(0, colon);
  const repository = name.includes("/") ? name : `library/${name}`;
  await pushImage(image, { origin: `http://127.0.0.1:${port}`, repository, tag: reference.slice(colon + 1) });
}

/** Ends the registry host. */
export async function powerOffRegistry(layout: Layout): Promise<void> {
  await stopRegistry(layout);
  await tryRun("ip", ["netns", "del", layout.registry.netns]);
}
