import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type CommandResult, run, startDetached, tryRun } from "../kit/shell.js";
import { waitFor } from "../kit/wait.js";
import { createCgroup, type Hierarchy, hierarchies, isUnified, killCgroup, removeCgroup } from "./cgroups.js";
import { endBatch, type HostLayout, type Layout, linkBatch } from "./layout.js";

/** Boots a host: namespaces, cgroup, folders; returns when commands can run on it. */
export async function bootHost(layout: Layout, host: HostLayout): Promise<void> {
  for (const folder of ["data", "etc/tallship", "etc-work", "varlib", "varlib-work", "home"]) {
    mkdirSync(join(host.diskDir, folder), { recursive: true });
  }
  writeIdentity(layout, host);
  writeFileSync(join(host.diskDir, "boot-id"), `${randomUUID()}\n`);
  createCgroup(host.cgroup);
  await run("ip", ["netns", "add", host.netns]);
  await run("ip", ["-batch", "-"], { input: linkBatch(layout, host) });
  await run("ip", ["-n", layout.fabricNetns, "-batch", "-"], {
    input: `link set ${host.port} master fabric\nlink set ${host.port} up\n`,
  });
  await run("ip", ["-n", host.netns, "-batch", "-"], { input: endBatch(host.address) });
  const pidFile = pidFileOf(layout, host);
  rmSync(pidFile, { force: true });
  const enter = `nsenter --net=/run/netns/${host.netns} unshare --mount --uts --cgroup --propagation private sh -c "$0"`;
  startDetached(
    "sh",
    ["-c", `${joinCgroup(host)} exec ${enter}`, bootScript(host, pidFile)],
    join(layout.runDir, `${host.name}.log`),
  );
  await waitFor(`${host.name} to boot`, () => hostPid(layout, host) !== undefined);
}

/** Gives a host a disk of its own, that is small enough to be filled. */
export async function makeDisk(host: HostLayout, mebibytes: number): Promise<void> {
  mkdirSync(host.diskDir, { recursive: true });
  await run("truncate", ["-s", `${mebibytes}M`, diskImage(host)]);
  await run("mkfs.ext4", ["-q", "-F", diskImage(host)]);
}

function diskImage(host: HostLayout): string {
  return join(host.diskDir, "data.ext4");
}

/** What makes a host that host, kept across its reboots. */
function writeIdentity(layout: Layout, host: HostLayout): void {
  const etc = join(host.diskDir, "etc");
  if (existsSync(join(etc, "machine-id"))) return;
  const hosts = layout.hosts.map(({ address, name }) => `${address} ${name}\n`).join("");
  writeFileSync(join(etc, "machine-id"), `${randomUUID().replaceAll("-", "")}\n`);
  writeFileSync(join(etc, "hostname"), `${host.name}\n`);
  writeFileSync(join(etc, "hosts"), `127.0.0.1 localhost\n${hosts}${layout.registry.address} registry\n`);
  // Nobody answers for foreign names here: a server that is named and silent would be a fault, and told of as one.
  writeFileSync(join(etc, "resolv.conf"), "# no name server\n");
  writeFileSync(
    join(etc, "tallship/registries.yaml"),
    // By its own name the registry is also there to push to: it speaks plain HTTP.
    `mirrors:\n  "*":\n    endpoints: [${layout.registry.url}]\n    fallback: false\n  registry:5000:\n    endpoints: [http://registry:5000]\n    fallback: false\n`,
  );
}

function pidFileOf(layout: Layout, host: HostLayout): string {
  return join(layout.runDir, `${host.name}.pid`);
}

/** Shell words that move the shell into the host's cgroup in every hierarchy. */
function joinCgroup(host: HostLayout): string {
  const leaf = isUnified(hierarchies()) ? "/daemons" : "";
  return hierarchies()
    .map(
      ({ mountPoint }) =>
        `echo $$ > ${join(mountPoint, host.cgroup)}${leafIfThere(join(mountPoint, host.cgroup), leaf)}/cgroup.procs;`,
    )
    .join(" ");
}

function leafIfThere(folder: string, leaf: string): string {
  return existsSync(join(folder, leaf)) ? leaf : "";
}

/** What runs first on a host, in its own namespaces; ends as the process that holds them. */
function bootScript(host: HostLayout, pidFile: string): string {
  const disk = host.diskDir;
  return [
    "set -e",
    `exec 3> ${pidFile}`,
    `hostname ${host.name}`,
    `mount -t overlay overlay -o lowerdir=/etc,upperdir=${disk}/etc,workdir=${disk}/etc-work /etc`,
    `mount -t overlay overlay -o lowerdir=/var/lib,upperdir=${disk}/varlib,workdir=${disk}/varlib-work /var/lib`,
    "mkdir -p /var/lib/tallship",
    existsSync(diskImage(host))
      ? `mount -o loop ${diskImage(host)} /var/lib/tallship`
      : `mount --bind ${disk}/data /var/lib/tallship`,
    `mount --bind ${disk}/boot-id /proc/sys/kernel/random/boot_id`,
    // What the machine has mounted there is not the host's, and must not be seen below its own.
    "umount -R -l /run/netns /sys/fs/cgroup 2>/dev/null || true",
    "mount -t tmpfs -o mode=755 tmpfs /run",
    "mkdir -p /run/lock /run/netns",
    ...mountCgroups(hierarchies()),
    "echo $$ >&3",
    "exec 3>&-",
    "exec sleep infinity",
  ].join("\n");
}

/** Shows the host only its own part of each hierarchy, and no version 2 beside version 1: crun refuses the mixture. */
function mountCgroups(all: readonly Hierarchy[]): readonly string[] {
  if (isUnified(all)) {
    return [
      "mount -t cgroup2 cgroup2 /sys/fs/cgroup",
      "mkdir -p /sys/fs/cgroup/daemons",
      "echo $$ > /sys/fs/cgroup/daemons/cgroup.procs",
      "for c in $(cat /sys/fs/cgroup/cgroup.controllers); do echo +$c > /sys/fs/cgroup/cgroup.subtree_control || true; done",
    ];
  }
  const version1 = all.filter(({ version }) => version === 1);
  return [
    "mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup",
    ...version1.flatMap(({ mountPoint, options }) => [
      `mkdir -p ${mountPoint}`,
      `mount -t cgroup -o ${options.includes("name=") ? `none,${options}` : options} cgroup ${mountPoint}`,
    ]),
  ];
}

/** The process that holds a host's namespaces; undefined when the host is off. */
export function hostPid(layout: Layout, host: HostLayout): number | undefined {
  const file = pidFileOf(layout, host);
  if (!existsSync(file)) return undefined;
  const pid = Number(readFileSync(file, "utf8"));
  return pid > 0 && existsSync(`/proc/${pid}`) ? pid : undefined;
}

/** The words to put before a command so that it runs on the host. */
export function onHost(layout: Layout, host: HostLayout, command: readonly string[]): readonly string[] {
  const pid = hostPid(layout, host);
  if (pid === undefined) throw new Error(`${host.name} is off: boot it with: testbed host ${host.name} start`);
  const enter = `nsenter -t ${pid} -n -m -u -C env HOME=${host.diskDir}/home`;
  return ["sh", "-c", `${joinCgroup(host)} exec ${enter} "$@"`, "sh", ...command];
}

/** Runs a command on a host to its end. */
export function tryOnHost(
  layout: Layout,
  host: HostLayout,
  command: readonly string[],
  options: { readonly input?: string } = {},
): Promise<CommandResult> {
  const [first = "sh", ...rest] = onHost(layout, host, command);
  return tryRun(first, rest, options);
}

/** Runs a command on a host; throws with its error output when it fails. */
export async function runOnHost(
  layout: Layout,
  host: HostLayout,
  command: readonly string[],
  options: { readonly input?: string } = {},
): Promise<string> {
  const { stdout, stderr, exitCode } = await tryOnHost(layout, host, command, options);
  if (exitCode !== 0)
    throw new Error(`${host.name}: ${command.join(" ")}: exit ${exitCode}: ${stderr.trim() || stdout.trim()}`);
  return stdout;
}

/** Cuts a host's power: everything on it dies at once, its network and memory are gone, its disk stays. */
export async function powerOff(layout: Layout, host: HostLayout): Promise<void> {
  // The link first: a host without power has no time to reset its connections.
  await tryRun("ip", ["-n", layout.fabricNetns, "link", "del", host.port]);
  await killCgroup(host.cgroup);
  rmSync(pidFileOf(layout, host), { force: true });
  await tryRun("ip", ["netns", "del", host.netns]);
  await removeCgroup(host.cgroup);
}
