// Edge: containers of the machine, by crun or runc under conmon.
import {
  chownSync,
  closeSync,
  type FSWatcher,
  mkdirSync,
  openSync,
  rmdirSync,
  rmSync,
  statSync,
  watch,
  writeFileSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import type { Cancel, Clock } from "../../../lib/clock.js";
import { asTallshipError, TallshipError } from "../../../lib/errors.js";
import { limit } from "../../../lib/limits.js";
import type { Log } from "../../../lib/log.js";
import { readText } from "../../../lib/read-text.js";
import { freeze, isFrozen, thaw } from "../../cgroup/freeze.js";
import { type Hierarchy, podCgroup, runCgroup } from "../../cgroup/hierarchies.js";
import { limitProcesses, podsWithGroups, readUsage, removeCgroup } from "../../cgroup/pod-cgroups.js";
import { setLimits } from "../../cgroup/set-limits.js";
import type { Launcher } from "../../launcher/launcher.js";
import { removeFolder } from "../../remove-folder.js";
import {
  type ContainerKey,
  type ContainerSpec,
  type ContainerStats,
  containerId,
  type ExecSession,
  type ExecSpec,
  type InputSession,
  type ObservedContainer,
  parseContainerId,
  type Runtime,
  type TerminalSize,
} from "../runtime.js";
import { signalNumber } from "../signals.js";
import { startAttach } from "./attach.js";
import { createFailure, parseAnswer } from "./conmon-answer.js";
import { startExec } from "./exec.js";
import { findMonitor, inspectPod, inspectRun, livingPid, monitorPid, namesIn, readPid } from "./inspect.js";
import { MonitorRounds } from "./monitor-rounds.js";
import {
  bundleFolder,
  exitFile,
  exitFolder,
  mappedRoots,
  podFolder,
  runtimeRoot,
  runtimeState,
  sharedFolder,
  socketFolder,
} from "./paths.js";
import { createScript, type Programs, removeScript } from "./scripts.js";
import { SeccompPrograms } from "./seccomp-programs.js";
import { holderGroups, shareScript, unshareScript } from "./share-script.js";

/** What the driver needs. */
export interface OciRuntimeOptions {
  /** Such as /run/tallship; on a file system that a reboot clears. */
  readonly runDir: string;
  readonly programs: Programs;
  readonly version: string;
  readonly hierarchies: readonly Hierarchy[];
  /** Group above all pods' groups; empty or starting with a slash. */
  readonly cgroupParent: string;
  readonly launcher: Launcher;
  readonly clock: Clock;
  readonly log: Log;
}

/** Prepares the folders and watches for exits. Adopts what runs already: nothing is restarted. */
export function startOciRuntime(options: OciRuntimeOptions): Runtime {
  for (const folder of [exitFolder(options), socketFolder(options), runtimeRoot(options), `${options.runDir}/pods`])
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  sweep(options);
  const runtime = new OciRuntime(options);
  runtime.watch();
  return runtime;
}

/**
 * What an agent that died left half done: the runtime's state of a run without bundle gets one, so that the run is listed and removed; exit
 * files and links without bundle go.
 */
function sweep(options: OciRuntimeOptions): void {
  for (const id of namesIn(runtimeRoot(options))) {
    const key = parseContainerId(id);
    if (key !== undefined) mkdirSync(bundleFolder(options, key), { recursive: true, mode: 0o700 });
  }
  for (const folder of [exitFolder(options), socketFolder(options)]) {
    for (const name of namesIn(folder)) {
      const key = parseContainerId(name);
      if (key === undefined || !isThere(bundleFolder(options, key))) rmSync(`${folder}/${name}`, { force: true });
    }
  }
}

class OciRuntime implements Runtime {
  readonly version: string;
  private readonly options: OciRuntimeOptions;
  private readonly listeners: ((podUid: string) => void)[] = [];
  private readonly creating = new Set<string>();
  private readonly seccomp: SeccompPrograms;
  private execCount = 0;
  private watcher: FSWatcher | undefined;
  private cancelRelist: Cancel | undefined;
  private readonly rounds: MonitorRounds;

  constructor(options: OciRuntimeOptions) {
    this.options = options;
    this.rounds = new MonitorRounds({
      paths: options,
      isBeingCreated: (key) => this.creating.has(containerId(key)),
      onDead: (podUid) => this.changed(podUid),
    });
    this.version = options.version;
    const { runDir, programs, cgroupParent, launcher } = options;
    this.seccomp = new SeccompPrograms({
      folder: `${runDir}/seccomp`,
      runtime: programs.runtime,
      cgroupParent,
      launcher,
    });
  }

  /** Exits come by inotify; a dead monitor leaves no file, so that monitors are looked at in turn. */
  watch(): void {
    this.watcher = watch(exitFolder(this.options), (_, name) => {
      const key = name === null ? undefined : parseContainerId(name);
      if (key !== undefined) this.changed(key.podUid);
    });
    const relist = (): void => {
      const stepCount = this.rounds.step();
      this.cancelRelist = this.options.clock.after(limit("relistMs") / stepCount, relist);
    };
    this.cancelRelist = this.options.clock.after(limit("relistMs"), relist);
  }

  async close(): Promise<void> {
    this.watcher?.close();
    this.cancelRelist?.();
  }

  onChange(listener: (podUid: string) => void): void {
    this.listeners.push(listener);
  }

  async list(podUid?: string): Promise<readonly ObservedContainer[]> {
    const uids = podUid === undefined ? namesIn(`${this.options.runDir}/pods`) : [podUid];
    return uids.flatMap((uid) =>
      inspectPod(this.options, uid, (key) => this.creating.has(containerId(key))).map((run) =>
        run.state.is === "running" && this.isPaused(run) ? { ...run, state: { ...run.state, isPaused: true } } : run,
      ),
    );
  }

  async pods(): Promise<readonly string[]> {
    const groups = podsWithGroups(this.options.hierarchies, podCgroup(this.options.cgroupParent, ""));
    return [...new Set([...namesIn(`${this.options.runDir}/pods`), ...groups])].sort();
  }

  async create(spec: ContainerSpec): Promise<void> {
    const id = containerId(spec);
    const bundle = bundleFolder(this.options, spec);
    this.creating.add(id);
    this.rounds.forget(spec.podUid);
    try {
      mkdirSync(bundle, { recursive: true, mode: 0o700 });
      mkdirSync(dirname(spec.logPath), { recursive: true, mode: 0o700 });
      const oci = await this.seccomp.compiled(spec.oci);
      writeFileSync(`${bundle}/config.json`, JSON.stringify(oci), { mode: 0o600 });
      // Only the runtime itself runs the programs that are to follow the start.
      if (oci.hooks?.poststart !== undefined) writeFileSync(`${bundle}/poststart`, "");
      writeFileSync(`${bundle}/root`, spec.rootMount === undefined ? "" : spec.oci.root.path);
      makeRootFolder(spec);
      const { output } = await this.options.launcher.run(
        createScript(this.options, this.options.programs, { spec, share: this.shareScript(spec) }),
      );
      const answer = parseAnswer(output);
      if (answer.is === "failed") throw createFailure(spec, answer.message);
      const { hierarchies, cgroupParent } = this.options;
      limitProcesses(hierarchies, podCgroup(cgroupParent, spec.podUid), limit("podPidsDefault"));
    } finally {
      this.creating.delete(id);
    }
  }

  private shareScript({ shared, podUid }: ContainerSpec): string {
    if (shared === undefined) return "";
    const { hierarchies, cgroupParent } = this.options;
    return shareScript(shared, holderGroups(hierarchies, cgroupParent, podUid));
  }

  /**
   * Writes the byte that the created process waits for, as `crun start` does, without its 5 ms: a third of a pod's start. What the fifo
   * does not take within the bound is left to the runtime itself.
   */
  async start(key: ContainerKey): Promise<void> {
    const state = inspectRun(this.options, key);
    if (state.is !== "created") {
      if (state.is === "running" || state.is === "exited") return;
      throw new TallshipError("runtime_failed", `start ${containerId(key)}: it is ${state.is}`);
    }
    const bundle = bundleFolder(this.options, key);
    const isStarted = !isThere(`${bundle}/poststart`) && this.writeFifo(`${runtimeState(this.options, key)}/exec.fifo`);
    if (!isStarted) await this.startByRuntime(key);
    writeFileSync(`${bundle}/started`, "");
  }

  private writeFifo(fifo: string): boolean {
    const flags = 0o1 | 0o4000; // O_WRONLY | O_NONBLOCK: fails when nobody waits.
    try {
      const fd = openSync(fifo, flags);
      writeSync(fd, "\0");
      closeSync(fd);
      rmSync(fifo, { force: true });
      return true;
    } catch {
      return false;
    }
  }

  private async startByRuntime(key: ContainerKey): Promise<void> {
    const { programs, launcher } = this.options;
    const id = containerId(key);
    const { exitCode, output } = await launcher.run(
      `${programs.runtime} --root=${runtimeRoot(this.options)} start ${id}`,
    );
    if (exitCode !== 0) throw createFailure(key, output);
  }

  async signal(key: ContainerKey, signal: string): Promise<void> {
    const pid = livingPid(this.options, key);
    if (pid !== undefined) sendSignal(pid, signal);
  }

  async pause(key: ContainerKey): Promise<void> {
    const { hierarchies, cgroupParent, clock } = this.options;
    // The mark comes first: an agent that dies here leaves nothing frozen that the next one does not see.
    writeFileSync(this.pauseMark(key), "");
    await freeze(hierarchies, runCgroup(cgroupParent, key), clock);
  }

  async unpause(key: ContainerKey): Promise<void> {
    const { hierarchies, cgroupParent } = this.options;
    thaw(hierarchies, runCgroup(cgroupParent, key));
    rmSync(this.pauseMark(key), { force: true });
  }

  private pauseMark(key: ContainerKey): string {
    return `${bundleFolder(this.options, key)}/paused`;
  }

  /** The mark says where to look, so that runs that were never paused cost one look at their folder. */
  private isPaused(key: ContainerKey): boolean {
    const { hierarchies, cgroupParent } = this.options;
    return isThere(this.pauseMark(key)) && isFrozen(hierarchies, runCgroup(cgroupParent, key));
  }

  async update(key: ContainerKey, limits: Parameters<Runtime["update"]>[1]): Promise<void> {
    const { hierarchies, cgroupParent } = this.options;
    setLimits(hierarchies, runCgroup(cgroupParent, key), limits);
  }

  async remove(key: ContainerKey): Promise<void> {
    const { launcher, programs } = this.options;
    const bundle = bundleFolder(this.options, key);
    if (isThere(this.pauseMark(key))) {
      // It dies of this as soon as it moves.
      await this.signal(key, "SIGKILL");
      await this.unpause(key);
    }
    // Only a create that was broken off leaves a monitor that has not said its number: every process of the host is looked at then, and only then.
    const isNamed = readPid(`${bundle}/conmon.pid`) !== undefined;
    const monitor = isNamed ? monitorPid(this.options, key) : findMonitor(key);
    // Without its monitor nothing writes into the bundle any more; the runtime kills what is left.
    if (monitor !== undefined) sendSignal(monitor, "SIGKILL");
    const rootPath = readText(`${bundle}/root`);
    const { exitCode, output } = await launcher.run(removeScript(this.options, programs, key, rootPath));
    if (isThere(runtimeState(this.options, key)))
      throw new TallshipError("runtime_failed", `remove ${containerId(key)}: ${output.trim()}`);
    if (exitCode !== 0) throw new TallshipError("kernel_failed", `unmount ${rootPath}: ${output.trim()}`);
    rmSync(exitFile(this.options, key), { force: true });
    rmSync(`${socketFolder(this.options)}/${containerId(key)}`, { force: true });
    removeMappedRoot(rootPath, mappedRoots(this.options));
    await removeFolder(bundle);
  }

  async removePod(podUid: string): Promise<void> {
    const { hierarchies, cgroupParent, launcher } = this.options;
    const shared = sharedFolder(this.options, podUid);
    if (isThere(shared)) await launcher.run(unshareScript(shared));
    if (!removeCgroup(hierarchies, podCgroup(cgroupParent, podUid)))
      throw new TallshipError("runtime_failed", `remove control groups of pod ${podUid}: processes are left`);
    await removeFolder(podFolder(this.options, podUid));
  }

  async exec(key: ContainerKey, spec: ExecSpec): Promise<ExecSession> {
    const { programs, clock, launcher } = this.options;
    const id = containerId(key);
    if (inspectRun(this.options, key).is !== "running")
      throw new TallshipError("failed_precondition", `exec in ${id}: it does not run`);
    if (this.isPaused(key))
      throw new TallshipError("failed_precondition", `exec in ${id}: it is paused; unpause it first`);
    this.execCount += 1;
    const runtime = [...launcher.enter, programs.runtime, `--root=${runtimeRoot(this.options)}`];
    const name = `${process.pid}.${this.execCount}`;
    return startExec({ id, bundle: bundleFolder(this.options, key), runtime, name, clock }, spec);
  }

  async attach(key: ContainerKey): Promise<InputSession> {
    const id = containerId(key);
    if (inspectRun(this.options, key).is !== "running")
      throw new TallshipError("failed_precondition", `attach to ${id}: it does not run`);
    return startAttach(bundleFolder(this.options, key));
  }

  async resize(key: ContainerKey, { width, height }: TerminalSize): Promise<void> {
    this.control(key, `1 ${height} ${width}\n`);
  }

  async stats(podUid: string): Promise<readonly ContainerStats[]> {
    const { hierarchies, cgroupParent } = this.options;
    const running = (await this.list(podUid)).filter(({ state }) => state.is === "running");
    return running.map(({ container, attempt }) => {
      const key = { podUid, container, attempt };
      return { ...key, ...readUsage(hierarchies, runCgroup(cgroupParent, key)) };
    });
  }

  async reopenLog(key: ContainerKey): Promise<void> {
    this.control(key, "2 0 0\n");
  }

  /** Tells the run's monitor something, in its own words: a number for what, and two more. */
  private control(key: ContainerKey, message: string): void {
    const ctl = `${bundleFolder(this.options, key)}/ctl`;
    try {
      const fd = openSync(ctl, 0o1 | 0o4000);
      try {
        writeSync(fd, message);
      } finally {
        closeSync(fd);
      }
    } catch (cause) {
      throw asTallshipError(cause, "runtime_failed");
    }
  }

  private changed(podUid: string): void {
    for (const listener of this.listeners) listener(podUid);
  }
}

/** Root of a user namespace, and nobody else but the host's, may pass to what is mounted for it. */
function makeRootFolder({ oci, users }: ContainerSpec): void {
  const { path } = oci.root;
  if (users === undefined) {
    mkdirSync(path, { recursive: true });
    return;
  }
  const [run, all] = [dirname(path), dirname(dirname(path))];
  mkdirSync(all, { recursive: true, mode: 0o711 });
  mkdirSync(run, { recursive: true, mode: 0o710 });
  chownSync(run, 0, users.ids.first);
  mkdirSync(path, { recursive: true });
}

/** Only what is empty, as it is once nothing is mounted there: a root file system is never deleted by this. */
function removeMappedRoot(rootPath: string, all: string): void {
  if (!rootPath.startsWith(`${all}/`)) return;
  for (const folder of [rootPath, dirname(rootPath)]) if (isThere(folder)) rmdirSync(folder);
}

function sendSignal(pid: number, signal: string): void {
  try {
    process.kill(pid, signalNumber(signal));
  } catch {
    return; // It ended by itself.
  }
}

function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}
