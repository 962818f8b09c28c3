import type { Clock } from "../../lib/clock.js";
import { TallshipError } from "../../lib/errors.js";
import {
  type ContainerExit,
  type ContainerKey,
  type ContainerSpec,
  type ContainerState,
  type ContainerStats,
  containerId,
  type ExecSession,
  type ExecSpec,
  type InputSession,
  type ObservedContainer,
  type Runtime,
} from "./runtime.js";

/** How a simulated program behaves. */
export interface Program {
  /** It ends by itself with this code after this many milliseconds; absent: never. */
  readonly ends?: { readonly afterMs: number; readonly exitCode: number; readonly isOom?: boolean };
  /** Whether it ends on the stop signal; SIGKILL always works. */
  readonly heeds: "stop" | "kill";
  /** Why the runtime refuses to create it; absent: it does not. */
  readonly refusal?: TallshipError;
}

/** What a simulated machine needs. */
export interface SimulatedRuntimeOptions {
  readonly clock: Clock;
  /** Decides what a command does; the arguments are those of config.json. */
  readonly program: (args: readonly string[]) => Program;
  /** Told of each create before it happens; for tests of what must hold then. */
  readonly onCreate?: (spec: ContainerSpec) => void;
}

interface Run {
  readonly key: ContainerKey;
  readonly program: Program;
  state: ContainerState;
}

/** A machine whose containers are entries of a map. Deterministic over its clock. Outlives the agents that use it, as a real one does. */
export class SimulatedRuntime implements Runtime {
  readonly version = "simulated://1";
  private readonly options: SimulatedRuntimeOptions;
  private readonly runs = new Map<string, Run>();
  private listeners: ((podUid: string) => void)[] = [];
  private nextPid = 100;

  constructor(options: SimulatedRuntimeOptions) {
    this.options = options;
  }

  async list(podUid?: string): Promise<readonly ObservedContainer[]> {
    return [...this.runs.values()]
      .filter(({ key }) => podUid === undefined || key.podUid === podUid)
      .map(({ key, state }) => ({ ...key, id: containerId(key), state }))
      .sort((a, b) => (a.podUid + a.container < b.podUid + b.container ? -1 : a.attempt - b.attempt));
  }

  /** The runs whose first process lives now. */
  running(): readonly ContainerKey[] {
    return [...this.runs.values()].filter(({ state }) => state.is === "running").map(({ key }) => key);
  }

  async pods(): Promise<readonly string[]> {
    return [...new Set([...this.runs.values()].map(({ key }) => key.podUid))].sort();
  }

  async create(spec: ContainerSpec): Promise<void> {
    const { podUid, container, attempt } = spec;
    const id = containerId(spec);
    this.options.onCreate?.(spec);
    if (this.runs.has(id)) throw new TallshipError("runtime_failed", `create ${id}: it exists`);
    const program = this.options.program(spec.oci.process.args);
    if (program.refusal !== undefined) throw program.refusal;
    this.nextPid += 1;
    const key = { podUid, container, attempt };
    this.runs.set(id, { key, program, state: { is: "created", pid: this.nextPid } });
  }

  async start(key: ContainerKey): Promise<void> {
    const run = this.runs.get(containerId(key));
    if (run === undefined) throw new TallshipError("runtime_failed", `start ${containerId(key)}: it does not exist`);
    if (run.state.is !== "created") return;
    run.state = { is: "running", pid: run.state.pid, startedAtMs: this.options.clock.nowMs() };
    const ends = run.program.ends;
    if (ends !== undefined)
      this.options.clock.after(ends.afterMs, () => this.end(run, exitWith(ends.exitCode, ends.isOom === true)));
  }

  async signal(key: ContainerKey, signal: string): Promise<void> {
    const run = this.runs.get(containerId(key));
    if (run === undefined || (run.state.is === "running" && run.state.isPaused === true)) return;
    if (signal === "SIGKILL") this.end(run, exitWith(137, false));
    else if (run.program.heeds === "stop") this.end(run, exitWith(143, false));
  }

  async update(): Promise<void> {
    return; // Nothing here uses anything.
  }

  async pause(key: ContainerKey): Promise<void> {
    const run = this.runs.get(containerId(key));
    if (run?.state.is === "running") run.state = { ...run.state, isPaused: true };
  }

  async unpause(key: ContainerKey): Promise<void> {
    const run = this.runs.get(containerId(key));
    if (run?.state.is !== "running") return;
    const { isPaused: _, ...state } = run.state;
    run.state = state;
  }

  async remove(key: ContainerKey): Promise<void> {
    this.runs.delete(containerId(key));
  }

  async removePod(podUid: string): Promise<void> {
    const left = [...this.runs.values()].some(({ key, state }) => key.podUid === podUid && state.is === "running");
    if (left) throw new TallshipError("runtime_failed", `remove control groups of pod ${podUid}: processes are left`);
  }

  async exec(key: ContainerKey, _spec: ExecSpec): Promise<ExecSession> {
    const run = this.runs.get(containerId(key));
    if (run?.state.is !== "running")
      throw new TallshipError("failed_precondition", `exec in ${containerId(key)}: not running`);
    throw new TallshipError("not_supported", `exec in ${containerId(key)}: a simulated machine runs no commands`);
  }

  async attach(key: ContainerKey): Promise<InputSession> {
    throw new TallshipError("not_supported", `attach to ${containerId(key)}: a simulated machine reads nothing`);
  }

  async resize(): Promise<void> {
    return;
  }

  async stats(podUid: string): Promise<readonly ContainerStats[]> {
    const running = (await this.list(podUid)).filter(({ state }) => state.is === "running");
    const nothing = {
      cpuMicroseconds: 0,
      memoryBytes: 0,
      oomCount: 0,
      throttledMicroseconds: 0,
      pidCount: 1,
      memoryLimitBytes: 0,
      readBytes: 0,
      writtenBytes: 0,
    };
    return running.map(({ container, attempt }) => ({ podUid, container, attempt, ...nothing }));
  }

  async reopenLog(): Promise<void> {
    return;
  }

  onChange(listener: (podUid: string) => void): void {
    this.listeners.push(listener);
  }

  /** The agent that used it has gone; the containers go on. */
  async close(): Promise<void> {
    this.listeners = [];
  }

  /** Whether any run of the container is there. */
  has(podUid: string, container: string): boolean {
    return [...this.runs.values()].some(({ key }) => key.podUid === podUid && key.container === container);
  }

  /** Kills the monitor of a run: what happens to it is not known any more. */
  loseMonitor(key: ContainerKey): void {
    const run = this.runs.get(containerId(key));
    if (run === undefined || run.state.is === "exited") return;
    const startedAtMs = run.state.is === "running" ? run.state.startedAtMs : undefined;
    run.state = { is: "broken", startedAtMs };
    this.changed(key.podUid);
  }

  /** The host's power fails: every run is gone without a trace. */
  powerOff(): void {
    this.runs.clear();
    this.listeners = [];
  }

  private end(run: Run, end: (finishedAtMs: number) => ContainerExit): void {
    if (run.state.is !== "running" && run.state.is !== "created") return;
    const nowMs = this.options.clock.nowMs();
    const startedAtMs = run.state.is === "running" ? run.state.startedAtMs : undefined;
    run.state =
      startedAtMs === undefined ? { is: "broken", startedAtMs } : { is: "exited", startedAtMs, exit: end(nowMs) };
    this.changed(run.key.podUid);
  }

  private changed(podUid: string): void {
    for (const listener of this.listeners) listener(podUid);
  }
}

function exitWith(exitCode: number, isOom: boolean): (finishedAtMs: number) => ContainerExit {
  return (finishedAtMs) => ({ is: "code", exitCode, isOom, finishedAtMs });
}
