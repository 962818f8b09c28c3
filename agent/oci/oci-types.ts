/** The parts of the OCI runtime specification's config.json that Tallship writes. Field names are the specification's. */
export interface OciSpec {
  readonly ociVersion: string;
  readonly process: OciProcess;
  readonly root: { readonly path: string; readonly readonly: boolean };
  readonly hostname?: string;
  readonly mounts: readonly OciMount[];
  readonly linux: OciLinux;
  readonly hooks?: OciHooks;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** When the runtime runs programs of the host while it makes and ends a container. */
export const HOOK_NAMES = [
  "prestart",
  "createRuntime",
  "createContainer",
  "startContainer",
  "poststart",
  "poststop",
] as const;

/** One of those moments. */
export type OciHookName = (typeof HOOK_NAMES)[number];

/** Programs by moment, each run in order. */
export type OciHooks = { readonly [K in OciHookName]?: readonly OciHook[] };

/** One program. Its first argument is its own name; the timeout is in seconds. */
export interface OciHook {
  readonly path: string;
  readonly args?: readonly string[];
  readonly env?: readonly string[];
  readonly timeout?: number;
}

/** What runs, and as whom. */
export interface OciProcess {
  readonly terminal: boolean;
  readonly user: { readonly uid: number; readonly gid: number; readonly additionalGids?: readonly number[] };
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  readonly capabilities: OciCapabilities;
  readonly noNewPrivileges: boolean;
  readonly oomScoreAdj?: number;
  readonly rlimits?: readonly OciRlimit[];
}

/** A limit of each process, such as RLIMIT_NOFILE. */
export interface OciRlimit {
  readonly type: string;
  readonly soft: number;
  readonly hard: number;
}

/** Capabilities with their CAP_ prefix. Inheritable and ambient stay empty: they would outlive a change of user. */
export interface OciCapabilities {
  readonly bounding: readonly string[];
  readonly effective: readonly string[];
  readonly permitted: readonly string[];
}

/** One mount, made in order. */
export interface OciMount {
  readonly destination: string;
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

/** The kernel's part. */
export interface OciLinux {
  readonly namespaces: readonly { readonly type: string; readonly path?: string }[];
  readonly cgroupsPath: string;
  readonly resources: OciResources;
  readonly seccomp?: OciSeccomp;
  readonly rootfsPropagation?: string;
  readonly sysctl?: Readonly<Record<string, string>>;
  readonly maskedPaths: readonly string[];
  readonly readonlyPaths: readonly string[];
  readonly devices?: readonly OciDevice[];
  readonly uidMappings?: readonly OciIdMapping[];
  readonly gidMappings?: readonly OciIdMapping[];
  readonly intelRdt?: OciIntelRdt;
}

/** Ids of a user namespace and what they are on the host. */
export interface OciIdMapping {
  readonly containerID: number;
  readonly hostID: number;
  readonly size: number;
}

/** Shares of the processor's caches and of its way to memory. */
export interface OciIntelRdt {
  readonly closID?: string;
  readonly l3CacheSchema?: string;
  readonly memBwSchema?: string;
}

/** A device node made in /dev. */
export interface OciDevice {
  readonly path: string;
  readonly type: string;
  readonly major: number;
  readonly minor: number;
  readonly fileMode?: number;
  readonly uid?: number;
  readonly gid?: number;
}

/** Limits of the control group. */
export interface OciResources {
  readonly devices: readonly {
    readonly allow: boolean;
    readonly type?: string;
    readonly major?: number;
    readonly minor?: number;
    readonly access: string;
  }[];
  readonly cpu: { readonly shares: number; readonly quota?: number; readonly period?: number };
  readonly memory?: { readonly limit: number; readonly swap?: number };
  readonly hugepageLimits?: readonly { readonly pageSize: string; readonly limit: number }[];
  readonly pids: { readonly limit: number };
}

/** A seccomp filter. */
export interface OciSeccomp {
  readonly defaultAction: string;
  readonly defaultErrnoRet?: number;
  readonly architectures: readonly string[];
  readonly syscalls: readonly OciSyscallRule[];
}

/** What happens to some system calls. */
export interface OciSyscallRule {
  readonly names: readonly string[];
  readonly action: string;
  readonly errnoRet?: number;
  readonly args?: readonly {
    readonly index: number;
    readonly value: number;
    readonly valueTwo?: number;
    readonly op: string;
  }[];
}
