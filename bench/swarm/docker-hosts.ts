import { writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { busyboxTar } from "../../test/kit/busybox-image.js";
import { waitFor } from "../../test/kit/wait.js";
import { processesOf } from "../../test/testbed/cgroups.js";
import { argumentsOf } from "../../test/testbed/processes.js";
import { Testbed } from "../../test/testbed/testbed.js";
import type { BenchContext } from "../harness.js";
import { onHostOf, type Path } from "../paths.js";
import { pssMib, totalOf } from "../proc.js";
import type { DockerPrograms } from "./docker-package.js";

/** The image that every engine has: the same shell and tools as Tallship's pods run. */
export const DOCKER_IMAGE = "bench/busybox:1";

/** The overlay network of all services. */
export const DOCKER_NETWORK = "bench";

/** Bare test hosts with an engine each, joined to one swarm whose manager is the first. */
export class DockerHosts {
  readonly testbed: Testbed;
  private readonly programs: DockerPrograms;

  constructor(testbed: Testbed, programs: DockerPrograms) {
    this.testbed = testbed;
    this.programs = programs;
  }

  /** Starts an engine on every host, in the host's own namespaces and cgroup, and joins them. */
  async start(): Promise<void> {
    const { hosts } = this.testbed.layout;
    await Promise.all(hosts.map(({ name }) => this.startEngine(name)));
    const [first] = hosts;
    await this.docker("host1", ["swarm", "init", "--advertise-addr", first?.address ?? ""]);
    const token = (await this.docker("host1", ["swarm", "join-token", "-q", "worker"])).trim();
    for (const { name, address } of hosts.slice(1))
      await this.docker(name, [
        "swarm",
        "join",
        "--advertise-addr",
        address,
        "--token",
        token,
        `${first?.address}:2377`,
      ]);
    await this.docker("host1", ["network", "create", "-d", "overlay", "--attachable", DOCKER_NETWORK]);
  }

  private async startEngine(name: string): Promise<void> {
    const host = this.testbed.host(name);
    writeFileSync(join(host.diskDir, "busybox.tar"), busyboxTar());
    // A name server that refuses at once: nothing is to be pulled.
    const script = `mkdir -p /var/lib/tallship/docker; echo nameserver 127.0.0.1 > /etc/resolv.conf
nohup dockerd --data-root /var/lib/tallship/docker --exec-root /run/docker --pidfile /run/docker.pid -H unix:///run/docker.sock --storage-driver overlay2 --userland-proxy=false >/run/dockerd.log 2>&1 &`;
    await this.shell(name, script);
    const isUp = async (): Promise<boolean> => (await this.tryDocker(name, ["version"])).exitCode === 0;
    await waitFor(`the engine of ${name}`, isUp, { deadlineMs: 60_000, everyMs: 200 });
    await this.docker(name, ["import", "--change", "ENV PATH=/bin", join(host.diskDir, "busybox.tar"), DOCKER_IMAGE]);
  }

  private async shell(name: string, script: string): Promise<string> {
    const { exitCode, stdout, stderr } = await this.testbed.exec(name, ["sh", "-c", this.withPath(script)]);
    if (exitCode !== 0) throw new Error(`${name}: ${script}: ${stderr.trim()}`);
    return stdout;
  }

  private withPath(script: string): string {
    return `${this.programs.path === "" ? "" : `export PATH=${this.programs.path}:$PATH; `}${script}`;
  }

  private tryDocker(name: string, words: readonly string[]): ReturnType<Testbed["exec"]> {
    const script = this.withPath('exec docker -H unix:///run/docker.sock "$@"');
    return this.testbed.exec(name, ["sh", "-c", script, "docker", ...words]);
  }

  /** Runs `docker` on a host; throws with its error output when it fails. */
  async docker(name: string, words: readonly string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await this.tryDocker(name, words);
    if (exitCode !== 0) throw new Error(`docker ${words.join(" ")} on ${name}: ${stderr.trim()}`);
    return stdout;
  }

  /** Makes a service and returns without waiting. Addresses instead of a virtual one: this kernel may lack IPVS. */
  async serve(name: string, replicas: number, more: readonly string[], command: readonly string[]): Promise<void> {
    const words = ["--detach", "--no-resolve-image", "--endpoint-mode", "dnsrr", "--network", DOCKER_NETWORK];
    const limits = ["--limit-cpu", "1", "--limit-memory", "32M", "--stop-grace-period", "5s"];
    const create = ["service", "create", "--name", name, "--replicas", `${replicas}`, ...words, ...limits];
    await this.docker("host1", [...create, ...more, DOCKER_IMAGE, ...command]);
  }

  /** The hosts of a service's running tasks, one for each. */
  async runningOn(name: string): Promise<readonly string[]> {
    const format = ["--filter", "desired-state=running", "--format", "{{.Node}} {{.CurrentState}}"];
    const lines = (await this.docker("host1", ["service", "ps", name, ...format])).split("\n");
    return lines.flatMap((line) => (/ Running /.exec(line) ? [line.split(" ")[0] ?? ""] : []));
  }

  /** Waits until so many tasks run on hosts that count. */
  async waitRunning(name: string, count: number, counts: (host: string) => boolean = () => true): Promise<void> {
    const isThere = async (): Promise<boolean> => (await this.runningOn(name)).filter(counts).length >= count;
    await waitFor(`${count} tasks of ${name}`, isThere, { deadlineMs: 180_000, everyMs: 100 });
  }

  /** Removes a service and waits until no container of it is left. */
  async unserve(name: string): Promise<void> {
    await this.docker("host1", ["service", "rm", name]);
    for (const { name: host } of this.testbed.layout.hosts)
      await waitFor(
        `containers of ${name} to go`,
        async () => (await this.docker(host, ["ps", "-aq", "--filter", `name=${name}`])).trim() === "",
        { deadlineMs: 120_000, everyMs: 200 },
      );
  }

  /** Proportional set size of everything of Docker's on a host, shims included, containers not. */
  memoryMib(name: string): number {
    const pids = processesOf(this.testbed.host(name).cgroup);
    return totalOf(
      pids.filter((pid) => /^(dockerd|containerd.*)$/.test(basename(argumentsOf(pid)[0] ?? ""))),
      pssMib,
    );
  }

  /** From a container of the first host to one of the second, over the overlay. */
  async path(name: string): Promise<Path> {
    const ends = await Promise.all(["host1", "host2"].map((host) => this.insideOf(host, name)));
    const [near, far] = ends;
    if (near === undefined || far === undefined) throw new Error(`service ${name} is not on both hosts`);
    return { near: near.run, far: far.run, address: far.address };
  }

  private async insideOf(
    host: string,
    name: string,
  ): Promise<{ readonly run: Path["near"]; readonly address: string }> {
    const [id = ""] = (await this.docker(host, ["ps", "-q", "--filter", `name=${name}`])).split("\n");
    const [found] = JSON.parse(await this.docker(host, ["inspect", id]));
    const address: string = found.NetworkSettings.Networks[DOCKER_NETWORK].IPAddress;
    const run = onHostOf(this.testbed, host, ["nsenter", "-t", `${found.State.Pid}`, "-n"]);
    return { run, address };
  }
}

/** Runs a measurement on a swarm of its own and takes it down, also after a failure. */
export async function withSwarm<T>(
  context: BenchContext,
  { programs, hostCount }: { readonly programs: DockerPrograms; readonly hostCount: number },
  measure: (swarm: DockerHosts) => Promise<T>,
): Promise<T> {
  const name = `swarm-${process.pid}`;
  const testbed = await Testbed.up({ name, hostCount, controlPlaneCount: 1, isBare: true, report: context.report });
  try {
    const swarm = new DockerHosts(testbed, programs);
    await swarm.start();
    context.report(`${hostCount} engines in a swarm`);
    return await measure(swarm);
  } finally {
    await testbed.down();
  }
}
