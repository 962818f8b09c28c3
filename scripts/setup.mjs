// Makes a fresh machine ready: checks Node, root and kernel, installs missing Debian packages, npm dependencies, and builds.
// Uses nothing but Node. Doing it twice does nothing the second time.
import { spawnSync } from "node:child_process";
import { existsSync, lstatSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const startedAt = performance.now();

/** What a node needs at run time, and what tests, demo and benches need beside it. */
const PACKAGES = {
  node: [
    "etcd-server",
    "crun",
    "runc",
    "conmon",
    "nftables",
    "iproute2",
    "bpftool",
    "ethtool",
    "conntrack",
    "socat",
    "util-linux",
    "procps",
    "zstd",
    "kmod",
    "busybox-static",
    "haproxy",
    "wireguard-go",
    "wireguard-tools",
    "buildah",
  ],
  test: [
    "docker-registry",
    "prometheus",
    "iperf3",
    "iputils-ping",
    "curl",
    "tcpdump",
    "btrfs-progs",
    "skopeo",
    "umoci",
  ],
};

/** Ends with one line that says what is wrong and what to do. */
function fail(message) {
  console.error(`setup: ${message}`);
  process.exit(1);
}

function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: ["ignore", "inherit", "inherit"], ...options });
  if (result.status !== 0)
    fail(`${command} ${args.join(" ")} failed (${result.error?.message ?? `exit ${result.status}`})`);
}

function checkMachine() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 19))
    fail(`Node ${process.versions.node} is too old: install Node 20.19 or newer`);
  if (process.platform !== "linux") fail(`Tallship runs on Linux, this is ${process.platform}`);
  if (process.getuid() !== 0) fail("root is needed for namespaces, mounts and cgroups: run with sudo");
  for (const [path, what] of [
    ["/proc/self/ns/net", "network namespaces"],
    ["/proc/self/ns/mnt", "mount namespaces"],
    ["/proc/self/ns/cgroup", "cgroup namespaces"],
    ["/sys/fs/cgroup", "cgroups"],
  ]) {
    if (!existsSync(path)) fail(`the kernel lacks ${what} (${path} is missing)`);
  }
}

function missingPackages() {
  const wanted = [...PACKAGES.node, ...PACKAGES.test];
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the format is for dpkg-query.
  const { stdout } = spawnSync("dpkg-query", ["-W", "-f", "${Package} ${db:Status-Status}\\n", ...wanted], {
    encoding: "utf8",
  });
  if (stdout === null) fail(`dpkg-query is missing: install by hand what your system calls ${wanted.join(", ")}`);
  const installed = new Set(
    stdout
      .split("\n")
      .filter((line) => line.endsWith(" installed"))
      .map((line) => line.split(" ")[0]),
  );
  return wanted.filter((name) => !installed.has(name));
}

/** Installs packages without starting the services that some of them bring. */
function installPackages(names) {
  console.error(`setup: installing ${names.join(" ")}`);
  const policy = "/usr/sbin/policy-rc.d";
  const isOurs = !existsSync(policy);
  if (isOurs) writeFileSync(policy, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  try {
    run("apt-get", ["update", "-qq"], { env });
    run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...names], {
      env,
      stdio: ["ignore", "ignore", "inherit"],
    });
  } finally {
    if (isOurs) rmSync(policy);
  }
}

function installDependencies() {
  const modules = join(root, "node_modules");
  const isLink = existsSync(modules) && lstatSync(modules).isSymbolicLink();
  const marker = join(modules, ".package-lock.json");
  const lock = join(root, "package-lock.json");
  if (isLink || (existsSync(marker) && statSync(marker).mtimeMs >= statSync(lock).mtimeMs && sameLock(marker, lock)))
    return;
  console.error("setup: npm ci");
  run("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
}

/** Whether what is installed is what the lock file asks for. */
function sameLock(marker, lock) {
  const installed = JSON.parse(readFileSync(marker, "utf8")).packages;
  const wanted = JSON.parse(readFileSync(lock, "utf8")).packages;
  return Object.entries(wanted).every(
    ([path, entry]) => path === "" || entry.optional || installed[path]?.version === entry.version,
  );
}

checkMachine();
const missing = missingPackages();
if (missing.length > 0) installPackages(missing);
installDependencies();
run("node", ["scripts/build.mjs"]);
const tookMs = Math.round(performance.now() - startedAt);
if (tookMs > 2_000) console.error(`setup: done in ${(tookMs / 1000).toFixed(1)} s`);
