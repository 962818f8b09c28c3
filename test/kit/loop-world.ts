import { expect } from "vitest";
import { HOOKS, type HookName } from "../../agent/actions.js";
import type { Checkpoint } from "../../agent/checkpoint/checkpoint.js";
import { memoryCheckpoint } from "../../agent/checkpoint/memory-checkpoint.js";
import type { Check, CheckResult } from "../../agent/checks/check.js";
import { executors } from "../../agent/execute.js";
import type { Hook } from "../../agent/hooks/hook.js";
import type { LocalImage } from "../../agent/image/images.js";
import { PodLoop } from "../../agent/pod-loop.js";
import { containerRecord } from "../../agent/pod-record.js";
import { PodStatuses } from "../../agent/pod-statuses.js";
import type { PodFacts, PodTurn } from "../../agent/pod-turn.js";
import { refusalUnderPressure } from "../../agent/pressure/refusal.js";
import type { ContainerKey } from "../../agent/runtime/runtime.js";
import { type Program, SimulatedRuntime } from "../../agent/runtime/simulated.js";
import { everyContainer } from "../../kinds/pod-containers.js";
import { TallshipError } from "../../lib/errors.js";
import { silentLog } from "../../lib/log.js";
import { seededRng } from "../../lib/rng.js";
import { Pod, type PodStatus } from "../../proto/gen/tallship/v1/pod.js";
import type { NodeConditionReport } from "../../proto/gen/tallship/v1/session.js";
import { ManualClock } from "./manual-clock.js";
import { nodeWithoutDevices } from "./no-devices.js";
import { noLogs } from "./no-logs.js";

const PROGRAMS: Readonly<Record<string, Program>> = {
  serve: { heeds: "stop" },
  stubborn: { heeds: "kill" },
  crash: { heeds: "stop", ends: { afterMs: 10, exitCode: 1 } },
  once: { heeds: "stop", ends: { afterMs: 500, exitCode: 0 } },
  setup: { heeds: "stop", ends: { afterMs: 200, exitCode: 0 } },
};

type PartialContainer = NonNullable<NonNullable<Parameters<typeof Pod.fromPartial>[0]["spec"]>["containers"]>[number];
const probe = (...command: string[]) => ({ exec: { command }, periodSeconds: 1, failureThreshold: 2 });

/** What some programs have beside their command. A probe passes `after` or `until` so many milliseconds of its container's run. */
const TRAITS: Readonly<Record<string, PartialContainer>> = {
  proxy: { restartPolicy: "Always", startupProbe: { ...probe("after", "300"), failureThreshold: 30 } },
  probed: { readinessProbe: probe("after", "1000"), livenessProbe: probe("after", "0") },
  sick: { livenessProbe: probe("until", "2000") },
  hooked: { lifecycle: { postStart: { exec: { command: ["after", "0"] } }, preStop: { sleep: { seconds: 1 } } } },
};

/**
 * A pod whose containers run the programs they are named for: serve, stubborn, crash, once, probed, sick, hooked; and its init containers:
 * setup, which ends, and proxy, a sidecar.
 */
export function loopPod(
  uid: string,
  programs: readonly string[],
  options: { readonly restartPolicy?: string; readonly init?: readonly string[] } = {},
): Pod {
  const container = (name: string): PartialContainer => ({ name, image: "x", command: [name], ...TRAITS[name] });
  return Pod.fromPartial({
    metadata: { uid, name: uid, namespace: "default" },
    spec: {
      restartPolicy: options.restartPolicy ?? "Always",
      initContainers: (options.init ?? []).map(container),
      containers: programs.map(container),
    },
  });
}

/** How an agent comes back. */
export interface Restart {
  readonly keepsCheckpoint: boolean;
  /** It reaches no control plane. */
  readonly isAlone?: boolean;
}

/** One node in virtual time: a simulated machine and checkpoint that outlive the agents' loops, and a control plane that wants pods. */
export class LoopWorld {
  readonly clock = new ManualClock();
  readonly runtime: SimulatedRuntime;
  /** Hooks that came up and went down, in order. */
  readonly done: string[] = [];
  /** Pods that the control plane was told are gone. */
  readonly released: string[] = [];
  /** Laws that did not hold. */
  readonly broken: string[] = [];
  /** What the node says that it lacks. */
  conditions: readonly NodeConditionReport[] = [];
  /** No pod can be written down. */
  isDiskFull = false;
  hanging = 0;
  loop: PodLoop;
  private readonly seed: number;
  private readonly wanted = new Map<string, Pod>();
  private readonly statuses = new Map<string, PodStatus>();
  private readonly links = new Set<string>();
  /** Pods whose users have a network namespace, which the network takes with it when it goes. */
  private readonly namespaces = new Set<string>();
  private readonly hung = new Set<HookName>();
  private readonly failures = new Map<HookName, { readonly error: TallshipError; left: number }>();
  private checkpoint: Checkpoint = memoryCheckpoint();
  private savedUids = new Set<string>();
  /** One-off init containers that have ended well since the machine was last switched on. */
  private readonly initialized = new Set<string>();
  /** Containers that were made since the host was last off. */
  private readonly made = new Set<string>();
  private boots = 0;
  private turnCount = 0;
  private generation = 0;

  constructor(seed = 1) {
    this.seed = seed;
    this.runtime = new SimulatedRuntime({
      clock: this.clock,
      program: ([name = ""]) => PROGRAMS[name] ?? { heeds: "stop" },
      onCreate: (spec) => this.checkCreate(spec),
    });
    this.runtime.onChange((uid) => void this.noteEnds(uid));
    this.loop = this.makeLoop();
  }

  /** The host's power fails; nothing that ran is left, nor what init containers did in memory. */
  powerOff(): void {
    this.boots += 1;
    this.made.clear();
    this.runtime.powerOff();
    this.initialized.clear();
    this.runtime.onChange((uid) => void this.noteEnds(uid));
  }

  /** Lets time pass; everything that falls due happens. */
  async advance(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 500) await this.clock.advance(Math.min(500, left));
  }

  /** The control plane binds a pod. */
  want(pod: Pod): void {
    this.wanted.set(pod.metadata?.uid ?? "", pod);
    this.loop.setDesired(pod);
  }

  /** The control plane asks for a pod's deletion. */
  remove(pod: Pod, graceSeconds: number): void {
    const metadata = { deletionTimestamp: "2026-01-01T00:00:00Z", deletionGracePeriodSeconds: graceSeconds };
    this.want(Pod.fromPartial({ ...pod, metadata: { ...pod.metadata, ...metadata } }));
  }

  /** The agent is killed and another one starts on the same machine. */
  async restartAgent({ keepsCheckpoint, isAlone = false }: Restart): Promise<void> {
    this.generation += 1;
    void this.loop.stop();
    this.hung.clear();
    if (!keepsCheckpoint) {
      this.checkpoint = memoryCheckpoint();
      this.savedUids.clear();
    }
    this.loop = this.makeLoop();
    this.loop.adopt(await this.checkpoint.load(), [...(await this.runtime.pods()), ...this.links]);
    if (!isAlone) this.loop.replaceDesired([...this.wanted.values()]);
  }

  async loseMonitors(podUid: string): Promise<void> {
    for (const seen of await this.runtime.list(podUid)) this.runtime.loseMonitor(seen);
  }

  /** The hook never comes up from now on, until it is interrupted or the agent dies. */
  hang(hook: HookName): void {
    this.hung.add(hook);
  }

  /** The hook fails the next times. */
  fail(hook: HookName, error: TallshipError, times: number): void {
    this.failures.set(hook, { error, left: times });
  }

  status(uid: string): PodStatus | undefined {
    return this.statuses.get(uid);
  }

  turns(): number {
    return this.turnCount;
  }

  lastAttempt(uid: string, container: string): number {
    const pod = this.loop.get(uid);
    return pod === undefined ? -1 : containerRecord(pod.record, container).attempt;
  }

  saved(): readonly string[] {
    return [...this.savedUids];
  }

  linked(): readonly string[] {
    return [...this.links];
  }

  /** Every container of the pod that does not end, by itself or by its probe, runs. */
  expectServing(pod: Pod): void {
    const running = this.loop.running().filter(({ podUid }) => podUid === pod.metadata?.uid);
    for (const { name } of pod.spec?.containers ?? [])
      if (PROGRAMS[name]?.ends === undefined && name !== "sick")
        expect(running.map(({ container }) => container)).toContain(name);
  }

  private async noteEnds(podUid: string): Promise<void> {
    for (const { container, state } of await this.runtime.list(podUid))
      if (state.is === "exited" && state.exit.is === "code" && state.exit.exitCode === 0)
        this.initialized.add(`${podUid}/${container}`);
  }

  /** Probes and hooks by the time their container has run. */
  private async perform(podUid: string, { container, target }: Check): Promise<CheckResult> {
    const run = (await this.runtime.list(podUid)).find((one) => one.container === container);
    const [word, ms] = target.is === "exec" ? target.command : [];
    if (run?.state.is !== "running") return { isPassed: false, message: "it does not run" };
    const isBefore = this.clock.nowMs() - run.state.startedAtMs < Number(ms);
    return { isPassed: isBefore === (word === "until"), message: "not now" };
  }

  private checkOrder(podUid: string, container: string): void {
    const { initContainers = [], containers = [] } = this.wanted.get(podUid)?.spec ?? {};
    const at = initContainers.findIndex(({ name }) => name === container);
    const before = at === -1 ? initContainers : initContainers.slice(0, at);
    const isMain = containers.some(({ name }) => name === container);
    for (const { name, restartPolicy } of before) {
      if (restartPolicy !== "Always" && !this.initialized.has(`${podUid}/${name}`))
        this.broken.push(`${podUid}/${container} made before ${name} had done its work`);
      const isFirst = isMain && !this.made.has(`${podUid}/${container}`);
      if (restartPolicy === "Always" && isFirst && !this.runtime.has(podUid, name))
        this.broken.push(`${podUid}/${container} made before its sidecar ${name}`);
    }
  }

  /** What must hold at each create. */
  private checkCreate({ podUid, container, attempt }: ContainerKey): void {
    this.checkOrder(podUid, container);
    this.made.add(`${podUid}/${container}`);
    if (this.runtime.has(podUid, container)) this.broken.push(`two runs of ${podUid}/${container}`);
    if (!this.links.has(podUid)) this.broken.push(`${podUid}/${container}.${attempt} made without network`);
    if (!this.namespaces.has(podUid)) this.broken.push(`${podUid}/${container}.${attempt} made without users`);
    const isStopping = this.wanted.get(podUid)?.metadata?.deletionTimestamp !== "";
    if (isStopping) this.broken.push(`${podUid}/${container}.${attempt} made although it is to be deleted`);
  }

  private makeLoop(): PodLoop {
    const generation = this.generation;
    const isDead = (): boolean => generation !== this.generation;
    const hooks = Object.fromEntries(HOOKS.map((name) => [name, this.hook(name, isDead)]));
    const statuses = new PodStatuses({ nodeIPs: ["10.0.0.1"], runtimeName: "sim" }, (pod, status) => {
      const uid = pod.metadata?.uid ?? "";
      this.statuses.set(uid, status);
      this.clock.after(1, () => {
        const known = this.wanted.get(uid);
        if (known !== undefined) this.want({ ...known, status });
      });
    });
    const loop: PodLoop = new PodLoop({
      clock: this.clock,
      rng: seededRng(this.seed),
      log: silentLog,
      bootID: `boot-${this.boots}`,
      runtime: this.runtime,
      perform: (podUid, check) => this.perform(podUid, check),
      logs: noLogs,
      checkpoint: this.watchedCheckpoint(isDead),
      controlPlane: { releasePod: async (pod) => this.release(pod, loop, isDead), notify: () => undefined },
      executors: executors({
        runtime: this.runtime,
        // fromEntries loses the names: every hook of HOOKS is there.
        hooks: hooks as Readonly<Record<HookName, Hook>>,
        rootfs: {
          name: "overlayfs",
          prepare: async () => ({ path: "/", mount: undefined }),
          ...{ find: async () => undefined, compare: async () => undefined, remove: async () => undefined },
          list: async () => [],
          layersInUse: async () => [],
          prune: async () => undefined,
        },
        imageRoots: { inspect: () => ({ passwd: "", group: "" }) },
        devices: nodeWithoutDevices(),
        disk: {
          prepare: async () => new Map(),
          refresh: async (uid) => void this.done.push(`refresh ${uid}`),
          filePath: () => "/f",
          bindSource: async (path) => ({ path, release: async () => undefined }),
          fill: async () => undefined,
          pods: () => [],
          remove: async () => undefined,
          removeLocal: async () => undefined,
        },
        logs: noLogs,
        services: () => [],
        controlPlane: { releasePod: async (pod) => this.release(pod, loop, isDead), notify: () => undefined },
        node: {
          hostname: "h",
          nodeIPs: ["10.0.0.1"],
          runDir: "/run",
          cgroupParent: "",
          memoryBytes: 2 ** 30,
          oomScoreFloor: 0,
          allocatable: {},
          capabilities: new Set(),
          architecture: "x64",
          devices: [],
          seccompProfile: () => ({ defaultAction: "", architectures: [], syscalls: [] }),
          clusterDomain: "cluster.local",
        },
      }),
      ...{ allocatable: {}, withdrawal: () => ({ is: "none" }) },
      refusal: (pod) => refusalUnderPressure(pod, this.conditions),
      cutOverRevision: () => 0,
      onTurn: (turn) => this.watchTurn(turn, statuses, isDead),
      onAction: () => undefined,
      onForgotten: (uid) => statuses.forget(uid),
    });
    return loop;
  }

  private async release(pod: Pod, loop: PodLoop, isDead: () => boolean): Promise<void> {
    const uid = pod.metadata?.uid ?? "";
    if (isDead()) return;
    if (this.links.has(uid)) this.broken.push(`${uid} told gone while it has its network`);
    if ((await this.runtime.list(uid)).length > 0) this.broken.push(`${uid} told gone while it has containers`);
    this.released.push(uid);
    this.wanted.delete(uid);
    loop.dropDesired(uid);
  }

  private watchTurn(turn: PodTurn, statuses: PodStatuses, isDead: () => boolean): number | undefined {
    this.turnCount += 1;
    return isDead() ? undefined : statuses.take(turn);
  }

  private watchedCheckpoint(isDead: () => boolean): Checkpoint {
    const { checkpoint } = this;
    return {
      load: () => checkpoint.load(),
      save: async (saved) => {
        if (isDead()) return;
        if (this.isDiskFull) throw new TallshipError("disk_failed", "no room");
        this.savedUids.add(saved.record.uid);
        await checkpoint.save(saved);
      },
      remove: async (uid) => {
        if (isDead()) return;
        this.savedUids.delete(uid);
        await checkpoint.remove(uid);
      },
    };
  }

  private hook(name: HookName, isDead: () => boolean): Hook {
    return {
      name,
      up: async ({ uid, pod }, signal) => {
        await this.obstruct(name, signal);
        if (isDead()) return {};
        this.done.push(`up ${name}`);
        if (name === "sandbox") this.links.add(uid);
        if (name === "users") this.namespaces.add(uid);
        return factsOf(name, pod);
      },
      down: async (uid) => {
        // It takes a while, in which anything may be wanted.
        await new Promise<void>((resolve) => this.clock.after(100, resolve));
        if (isDead()) return;
        this.done.push(`down ${name}`);
        if (name !== "sandbox") return;
        if ((await this.runtime.list(uid)).length > 0)
          this.broken.push(`${uid} lost its network before its containers`);
        this.links.delete(uid);
        this.namespaces.delete(uid);
      },
    };
  }

  private async obstruct(name: HookName, signal: AbortSignal): Promise<void> {
    if (this.hung.has(name)) {
      this.hanging += 1;
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
      this.hanging -= 1;
    }
    const failure = this.failures.get(name);
    if (failure === undefined || failure.left === 0) return;
    failure.left -= 1;
    throw failure.error;
  }
}

function factsOf(name: HookName, pod: Pod): Partial<PodFacts> {
  if (name === "config") return { configs: { configMaps: { web: { revision: 1, values: {} } }, secrets: {} } };
  if (name === "sandbox") return { address: "10.128.0.2" };
  if (name !== "image") return {};
  const config = { entrypoint: [], command: [], env: [], workingDir: "", user: "", stopSignal: "", labels: {} };
  const image: LocalImage = { reference: "x", digest: "sha256:1", config, layerPaths: [] };
  const all = everyContainer(pod);
  return {
    images: new Map(all.map(({ name: container }) => [container, image])),
    imageNames: new Map(all.map(({ name: container, image: called }) => [container, called])),
  };
}
