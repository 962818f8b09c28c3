import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import type { BuiltImage } from "../kit/built-image.js";
import { busyboxImage } from "../kit/busybox-image.js";
import { readImageArchive } from "../kit/image-archive.js";
import { ROOT } from "../kit/root.js";
import { type CommandResult, run, tryRun } from "../kit/shell.js";
import { waitFor } from "../kit/wait.js";
import { freezeCgroup } from "./cgroups.js";
import { startForwarder } from "./forwarder.js";
import { bootHost, hostPid, makeDisk, powerOff, runOnHost, tryOnHost } from "./host.js";
import { type Cut, cutRules, FABRIC_BATCH, type HostLayout, type Layout, layoutOf } from "./layout.js";
import { type Daemon, daemonPids, signalDaemon } from "./processes.js";
import { bootRegistry, powerOffRegistry, pushToRegistry } from "./registry-host.js";

const API_PORT = 7443;
const REGISTRY_PORT = 5000;

/** What every testbed's registry holds from the start: a small web server that greets with its name, in two tags. */
const helloImage = (): BuiltImage => busyboxImage({ Env: ["PATH=/bin:/usr/bin", "PORT=8080"] });
const HELLO_TAGS = ["1", "2"];

/** What a testbed remembers between commands. */
interface State {
  readonly hostCount: number;
  readonly controlPlaneCount: number;
  /** Loopback ports of the machine that lead to control planes and to the registry, by host. */
  readonly forwards: Readonly<Record<string, { readonly port: number; readonly pid: number }>>;
  readonly cuts: readonly Cut[];
  /** Hosts without a cluster. */
  readonly isBare: boolean;
}

/** How a testbed is made. */
export interface TestbedOptions {
  readonly name: string;
  readonly hostCount: number;
  readonly controlPlaneCount: number;
  /** Called with one line per step. */
  readonly report: (line: string) => void;
  /** Hosts and registry only; no cluster. */
  readonly isBare?: boolean;
  /** Words that `init` and `join` get beside their own. */
  readonly hostOptions?: readonly string[];
  /** Each host's data is on a disk of its own of this size; absent: on the machine's. */
  readonly diskMib?: number;
  /** More words for `tallshipd init`. */
  readonly initWords?: readonly string[];
  /** What answers commands of tsctl that only look, beside `bin/tsctl`. */
  readonly look?: Look;
}

/** Answers a command of tsctl as `bin/tsctl` would by the context file at the path; undefined: it leaves that one to it. */
export type Look = (args: readonly string[], configPath: string) => Promise<CommandResult> | undefined;

/** What `init` is told for a cluster of both families. */
export const DUAL_STACK: readonly string[] = [
  ...["--pod-cidr", "10.128.0.0/9,fd00:10:128::/56"],
  ...["--service-cidr", "10.96.0.0/12,fd00:10:96::/108"],
];

/** Several hosts on one machine: each with its own network, mount, UTS and cgroup namespace, on one bridge, with a registry. */
export class Testbed {
  readonly layout: Layout;
  private state: State;
  private readonly look: Look;

  private constructor(layout: Layout, state: State, look: Look = () => undefined) {
    this.layout = layout;
    this.state = state;
    this.look = look;
  }

  /** Makes a testbed and, unless bare, a cluster on it. What a failed attempt left behind is removed. */
  static async up(options: TestbedOptions): Promise<Testbed> {
    const layout = layoutOf(options);
    if (existsSync(join(layout.runDir, "state.json")))
      throw new Error(`testbed ${options.name} is up already; take it down with: testbed down --name ${options.name}`);
    mkdirSync(layout.runDir, { recursive: true });
    const isBare = options.isBare ?? false;
    const { hostCount, controlPlaneCount } = options;
    const state = { isBare, hostCount, controlPlaneCount, forwards: {}, cuts: [] };
    const testbed = new Testbed(layout, state, options.look);
    testbed.save();
    try {
      await testbed.build(options);
    } catch (error) {
      options.report(`testbed ${options.name} failed; its logs are kept below ${layout.diskDir}-failed`);
      await testbed.keepLogs();
      await testbed.down();
      throw error;
    }
    return testbed;
  }

  /** Opens a testbed that is up. */
  static open(name: string): Testbed {
    const file = join("/run/tallship-testbed", name, "state.json");
    if (!existsSync(file)) throw new Error(`testbed ${name} is not up; start it with: testbed up --name ${name}`);
    const state: State = JSON.parse(readFileSync(file, "utf8"));
    return new Testbed(layoutOf({ name, ...state }), state);
  }

  /** Path of the tsctl configuration that reaches the cluster from the machine. */
  get configPath(): string {
    return join(this.layout.runDir, "config.yaml");
  }

  /** The host of a name; throws when there is none. */
  host(name: string): HostLayout {
    const host = this.layout.hosts.find((candidate) => candidate.name === name);
    if (host === undefined)
      throw new Error(`no host ${name}; there are ${this.layout.hosts.map((each) => each.name).join(", ")}`);
    return host;
  }

  private async build(options: TestbedOptions): Promise<void> {
    const { layout } = this;
    await run("ip", ["netns", "add", layout.fabricNetns]);
    await run("ip", ["-n", layout.fabricNetns, "-batch", "-"], { input: FABRIC_BATCH });
    if (options.diskMib !== undefined) for (const host of layout.hosts) await makeDisk(host, options.diskMib);
    await Promise.all([bootRegistry(layout), ...layout.hosts.map((host) => bootHost(layout, host))]);
    await this.forward("registry");
    const hello = helloImage();
    for (const tag of HELLO_TAGS) await this.pushImage(hello, `tallship/hello:${tag}`);
    options.report(`${layout.hosts.length} hosts and a registry are up`);
    if (options.isBare) return;
    const [first, ...others] = layout.hosts;
    if (first === undefined) throw new Error("a testbed has at least one host");
    const more = options.hostOptions ?? [];
    const said = await this.daemon(first, [
      ...["init", "--advertise-address", first.address],
      ...[...more, ...(options.initWords ?? [])],
    ]);
    const token = /^ *tallshipd join (\S+)$/m.exec(said)?.[1];
    if (token === undefined) throw new Error(`init says nothing of how others join: ${said}`);
    options.report(`${first.name}: control plane and agent`);
    await this.forward(first.name);
    this.writeConfig();
    for (const host of others.filter(({ isControlPlane }) => isControlPlane)) await this.joinAsReplica(host, more);
    const workers = others.filter(({ isControlPlane }) => !isControlPlane);
    await Promise.all(workers.map((host) => this.join(host, token, more)));
    if (others.length > 0) options.report(`${others.map(({ name }) => name).join(", ")}: joined`);
    this.writeConfig();
    await waitFor("every node to be Ready", async () => (await this.readyNodeCount()) === layout.hosts.length, {
      deadlineMs: 30_000,
      everyMs: 100,
    });
    options.report("every node is Ready");
  }

  private async readyNodeCount(): Promise<number> {
    const nodes = await this.tsctl(["get", "nodes"]);
    return nodes.split("\n").filter((line) => / Ready /.test(line)).length;
  }

  private async join(host: HostLayout, token: string, more: readonly string[]): Promise<void> {
    await this.daemon(host, ["join", token, "--advertise-address", host.address, ...more]);
  }

  private async joinAsReplica(host: HostLayout, more: readonly string[]): Promise<void> {
    const said = await this.tsctl(["token", "create", "--role", "control-plane"]);
    await this.join(host, said.trim().split("\n").at(-1) ?? "", more);
    await this.forward(host.name);
  }

  /** Runs `tallshipd` on a host. */
  daemon(host: HostLayout, args: readonly string[]): Promise<string> {
    return runOnHost(this.layout, host, [process.execPath, join(ROOT, "bin/tallshipd"), ...args]);
  }

  /** Runs `tsctl` on the machine, or what looks for it, against the cluster; throws with its error output when it fails. */
  async tsctl(args: readonly string[], options: { readonly input?: string } = {}): Promise<string> {
    const { exitCode, stdout, stderr } = await this.tryTsctl(args, options);
    if (exitCode !== 0) throw new Error(`tsctl ${args.join(" ")}: exit ${exitCode}: ${stderr.trim() || stdout.trim()}`);
    return stdout;
  }

  /** Runs `tsctl` on the machine, or what looks for it, against the cluster. */
  tryTsctl(
    args: readonly string[],
    options: { readonly input?: string; readonly signal?: AbortSignal } = {},
  ): Promise<CommandResult> {
    const seen = options.signal === undefined ? this.look(args, this.configPath) : undefined;
    if (seen !== undefined) return seen;
    const { NODE_EXTRA_CA_CERTS: _unused, ...env } = process.env;
    return tryRun(process.execPath, [join(ROOT, "bin/tsctl"), ...args], {
      ...options,
      env: { ...env, TSCTL_CONFIG: this.configPath },
    });
  }

  /** Runs a command on a host to its end. */
  exec(host: string, command: readonly string[], options: { readonly input?: string } = {}): Promise<CommandResult> {
    return tryOnHost(this.layout, this.host(host), command, options);
  }

  /** Opens, or opens again, the loopback port that leads to a control plane or to the registry. */
  private async forward(name: string): Promise<void> {
    const isRegistry = name === "registry";
    const { netns, address: host } = isRegistry ? this.layout.registry : this.host(name);
    const target = { host, port: isRegistry ? REGISTRY_PORT : API_PORT };
    const listenPort = this.state.forwards[name]?.port ?? 0;
    const forward = await startForwarder({ netns, target, listenPort }, join(ROOT, "dist/testbed.js"));
    this.update({ forwards: { ...this.state.forwards, [name]: forward } });
  }

  /** The administrator's context of the first host, with addresses that the machine reaches. */
  private writeConfig(): void {
    const [first] = this.layout.hosts;
    if (first === undefined) return;
    const context = parse(readFileSync(join(first.diskDir, "etc/tallship/admin.yaml"), "utf8"));
    const { registry: _registry, ...controlPlanes } = this.state.forwards;
    const servers = Object.values(controlPlanes).map(({ port }) => `127.0.0.1:${port}`);
    for (const each of context.contexts) each.servers = servers;
    writeFileSync(this.configPath, stringify(context), { mode: 0o600 });
  }

  /** Switches a host off (its disk stays), on, or pauses it. */
  async power(name: string, action: "poweroff" | "start" | "freeze" | "thaw"): Promise<void> {
    const host = this.host(name);
    if (action === "freeze" || action === "thaw") return freezeCgroup(host.cgroup, action === "freeze");
    if (action === "poweroff") {
      this.stopForwarder(name);
      return powerOff(this.layout, host);
    }
    if (hostPid(this.layout, host) !== undefined) throw new Error(`${name} is on already`);
    await bootHost(this.layout, host);
    await this.applyCuts();
    if (this.state.isBare) return;
    await this.daemon(host, ["start"]);
    if (this.state.forwards[name] !== undefined) await this.forward(name);
  }

  private stopForwarder(name: string): void {
    const pid = this.state.forwards[name]?.pid;
    if (pid !== undefined && existsSync(`/proc/${pid}`)) process.kill(pid, "SIGKILL");
  }

  /** Cuts links; cuts add up until they are healed. */
  async cut(name: string, options: { readonly peer?: string; readonly direction: Cut["direction"] }): Promise<void> {
    const peerPort = options.peer === undefined ? undefined : this.host(options.peer).port;
    this.update({
      cuts: [
        ...this.state.cuts,
        { port: this.host(name).port, direction: options.direction, ...(peerPort && { peerPort }) },
      ],
    });
    await this.applyCuts();
  }

  /** Heals a host's links, or only those to a peer. */
  async heal(name: string, options: { readonly peer?: string } = {}): Promise<void> {
    const { port } = this.host(name);
    const peerPort = options.peer === undefined ? undefined : this.host(options.peer).port;
    this.update({
      cuts: this.state.cuts.filter((cut) => cut.port !== port || (peerPort !== undefined && cut.peerPort !== peerPort)),
    });
    await this.applyCuts();
  }

  private async applyCuts(): Promise<void> {
    await run("nsenter", [`--net=/run/netns/${this.layout.fabricNetns}`, "nft", "-f", "-"], {
      input: cutRules(this.state.cuts),
    });
  }

  /** Kills, pauses or resumes a daemon; `start` starts what is not running. */
  async process(name: string, daemon: Daemon, action: "kill" | "stop" | "cont" | "start"): Promise<void> {
    const host = this.host(name);
    if (action === "start") await this.daemon(host, ["start"]);
    else await signalDaemon(host, daemon, ({ kill: "SIGKILL", stop: "SIGSTOP", cont: "SIGCONT" } as const)[action]);
  }

  /** Process ids of a daemon on a host. */
  pids(name: string, daemon: Daemon): readonly number[] {
    return daemonPids(this.host(name), daemon);
  }

  /** Copies an image archive (docker-archive or OCI) into the registry as NAME:TAG. */
  async push(archive: string, reference: string): Promise<void> {
    await this.pushImage(readImageArchive(readFileSync(archive)), reference);
  }

  /** Puts an image into the registry as NAME:TAG. */
  pushImage(image: BuiltImage, reference: string): Promise<void> {
    return pushToRegistry(image, reference, this.state.forwards["registry"]?.port ?? 0);
  }

  private async keepLogs(): Promise<void> {
    await tryRun("sh", [
      "-c",
      `rm -rf ${this.layout.diskDir}-failed; mkdir -p ${this.layout.diskDir}-failed; cp -r ${this.layout.runDir} ${this.layout.diskDir}/*/data/log ${this.layout.diskDir}-failed/ 2>/dev/null`,
    ]);
  }

  /** Removes everything: processes, namespaces, mounts, cgroups, files. Safe on a testbed that is half there. */
  async down(): Promise<void> {
    for (const name of Object.keys(this.state.forwards)) this.stopForwarder(name);
    await Promise.all(this.layout.hosts.map((host) => powerOff(this.layout, host)));
    await powerOffRegistry(this.layout);
    await tryRun("ip", ["netns", "del", this.layout.fabricNetns]);
    await waitFor("the disks to be unused", () => {
      rmSync(this.layout.diskDir, { recursive: true, force: true });
      return true;
    });
    rmSync(this.layout.runDir, { recursive: true, force: true });
  }

  private update(change: Partial<State>): void {
    this.state = { ...this.state, ...change };
    this.save();
  }

  private save(): void {
    writeFileSync(join(this.layout.runDir, "state.json"), JSON.stringify(this.state, null, 2));
  }
}
