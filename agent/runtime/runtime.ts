import type { RootFsMount } from "../image/images.js";
import type { OciResources, OciSpec } from "../oci/oci-types.js";
import type { PodUsers } from "../userns/pod-users.js";
import type { SharedNamespaces } from "./shared-namespaces.js";

/** One run of one container of a pod. `attempt` counts the runs from 0; a restart is the next attempt. */
export interface ContainerKey {
  readonly podUid: string;
  readonly container: string;
  readonly attempt: number;
}

/** How a run ended. `lost`: the exit code cannot be known, and must never be shown as 0. */
export type ContainerExit =
  | {
      readonly is: "code";
      readonly exitCode: number;
      readonly isOom: boolean;
      readonly finishedAtMs: number;
      /** The container's last words; read beside the exit, by the agent. */
      readonly message?: string;
    }
  | { readonly is: "lost"; readonly finishedAtMs: number };

/**
 * What the machine shows of a run. `creating` is a create under way; `broken` is one that was broken off, or a container whose
 * monitor died: only removing it helps.
 */
export type ContainerState =
  | { readonly is: "creating" }
  | { readonly is: "created"; readonly pid: number }
  /** `isPaused`: its processes stand still. */
  | { readonly is: "running"; readonly pid: number; readonly startedAtMs: number; readonly isPaused?: true }
  | { readonly is: "exited"; readonly startedAtMs: number; readonly exit: ContainerExit }
  | { readonly is: "broken"; readonly startedAtMs: number | undefined };

/** A run that exists on the machine. */
export interface ObservedContainer extends ContainerKey {
  readonly id: string;
  readonly state: ContainerState;
}

/** What a driver needs to create a run. */
export interface ContainerSpec extends ContainerKey {
  /** config.json, whole. */
  readonly oci: OciSpec;
  /** Mounted at oci.root.path before the runtime is called, and unmounted by remove; undefined when nothing must be. */
  readonly rootMount: RootFsMount | undefined;
  /** The user namespace that it runs in, and whose root its root file system is mounted for; undefined: the host's. */
  readonly users?: PodUsers | undefined;
  /** Made, unless they are there, before the run; config.json names them. undefined when it shares none. */
  readonly shared?: SharedNamespaces | undefined;
  /** File that receives what the container writes, in the k8s-file format. */
  readonly logPath: string;
  /** What becomes of its standard input: there is none, it ends with the first who attached, or it stays open. */
  readonly stdin: "none" | "once" | "open";
}

/** A command inside a running container: with the container's own user, rights and environment. */
export interface ExecSpec {
  readonly command: readonly string[];
  /** Give it a terminal of this size. */
  readonly hasTerminal: boolean;
  readonly size: TerminalSize | undefined;
  /** Whether standard input will be sent; without, it is empty. */
  readonly hasStdin: boolean;
  /** Left to itself once it has started: it has neither input nor output, and the session ends. */
  readonly isDetached?: boolean;
  /** What differs from the container's first process. */
  readonly changes?: ExecChanges;
}

/** What a command has of its own; what is absent is the container's. */
export interface ExecChanges {
  readonly workingDir?: string;
  /** NAME=value each, beside and over the container's. */
  readonly env?: readonly string[];
  readonly user?:
    | { readonly uid: number; readonly gid: number; readonly additionalGids?: readonly number[] }
    | undefined;
}

/** Columns and rows. */
export interface TerminalSize {
  readonly width: number;
  readonly height: number;
}

/** What comes out of a command, in order; `exit` is last. A terminal has one output, stdout. */
export type ExecOutputPart =
  | { readonly is: "stdout" | "stderr"; readonly bytes: Uint8Array }
  | { readonly is: "exit"; readonly exitCode: number };

/** A running command. Output is held back while nobody takes it. */
export interface ExecSession {
  readonly output: AsyncIterable<ExecOutputPart>;
  /** Resolves when the command can take more. */
  write(bytes: Uint8Array): Promise<void>;
  closeStdin(): void;
  /** Only for terminals; others ignore it. */
  resize(size: TerminalSize): void;
  /** Ends the command: SIGHUP to a terminal's session, SIGKILL else. */
  cancel(): void;
}

/** The way to a container's standard input and terminal. What it writes is in its log. */
export interface InputSession {
  /** Resolves when more may be written. What a container that has ended is sent is lost. */
  write(bytes: Uint8Array): Promise<void>;
  /** Leaves; standard input ends when the container was made so. */
  close(): void;
}

/** What a run has used since its start. */
export interface ContainerStats extends ContainerKey {
  readonly cpuMicroseconds: number;
  /** In use, without page cache that can be dropped. */
  readonly memoryBytes: number;
  readonly oomCount: number;
  readonly throttledMicroseconds: number;
  readonly pidCount: number;
  /** 0: no limit of its own. */
  readonly memoryLimitBytes: number;
  /** From and to block devices. */
  readonly readBytes: number;
  readonly writtenBytes: number;
}

/**
 * Edge: runs containers. `list` is the truth; events are hints. Every method but exec is idempotent. Containers outlive the process
 * that made them. Real: crun or runc under conmon. Others: simulated. One conformance suite, test/conformance/runtime.ts.
 * Failures: runtime_failed, command_not_found, not_found, disk_failed.
 */
export interface Runtime {
  /** Name and version, such as crun://1.8.1. */
  readonly version: string;
  /** Every run of a pod, or of all pods, in order of pod, container and attempt. */
  list(podUid?: string): Promise<readonly ObservedContainer[]>;
  /** Every pod that has left a trace, though it has no run. */
  pods(): Promise<readonly string[]>;
  /** Makes everything but lets no code of the container run. */
  create(spec: ContainerSpec): Promise<void>;
  /** Runs a created container; nothing when it runs already. */
  start(key: ContainerKey): Promise<void>;
  /** Sends a signal to its first process; nothing when it has ended. */
  signal(key: ContainerKey, signal: string): Promise<void>;
  /** Has a run's processes stand still, and no command begin in it; it heeds no signal, not SIGKILL either, until `unpause`. */
  pause(key: ContainerKey): Promise<void>;
  /** Lets them go on; nothing when they do. */
  unpause(key: ContainerKey): Promise<void>;
  /** Changes the limits of a run that exists; its processes go on. Throws runtime_failed when the kernel does not take them, as for less memory than is in use. */
  update(key: ContainerKey, limits: Pick<OciResources, "cpu" | "memory">): Promise<void>;
  /** Kills what is left and removes every trace but the log. */
  remove(key: ContainerKey): Promise<void>;
  /** Removes what belongs to a pod as a whole: its folder and its control groups. The runs are gone. */
  removePod(podUid: string): Promise<void>;
  /** Starts a command in a running container. */
  exec(key: ContainerKey, spec: ExecSpec): Promise<ExecSession>;
  /** Joins a running container's standard input. */
  attach(key: ContainerKey): Promise<InputSession>;
  /** Sets the size of a container's terminal; nothing when it has none. */
  resize(key: ContainerKey, size: TerminalSize): Promise<void>;
  /** What a pod's runs use now. */
  stats(podUid: string): Promise<readonly ContainerStats[]>;
  /** Has the log file opened anew under its name, after it was renamed. */
  reopenLog(key: ContainerKey): Promise<void>;
  /** Calls with the pod's uid when one of its runs may have changed. */
  onChange(listener: (podUid: string) => void): void;
  /** Stops watching; containers go on. */
  close(): Promise<void>;
}

/** The id of a run: unique on the machine and derived, so that creating twice conflicts instead of doubling. */
export function containerId(key: ContainerKey): string {
  return `${key.podUid}_${key.container}_${key.attempt}`;
}

/** The run that an id names; undefined when it is nobody's here. */
export function parseContainerId(id: string): ContainerKey | undefined {
  const match = /^([0-9a-zA-Z-]+)_([a-z0-9-]+)_(\d+)$/.exec(id);
  if (match === null) return undefined;
  return { podUid: match[1] ?? "", container: match[2] ?? "", attempt: Number(match[3]) };
}
