import type { JsonObject } from "../../kinds/encode.js";
import { ULIMITS, ulimitName } from "../../kinds/ulimits.js";
import { usageError } from "../verb.js";
import { dockerBytes } from "./mounts.js";

/** The flags that limit a container's processes and look after it. */
export interface ExtraFlags {
  readonly ulimit: readonly string[];
  readonly healthCmd: string | undefined;
  readonly healthInterval: number | undefined;
  readonly healthTimeout: number | undefined;
  readonly healthStartPeriod: number | undefined;
  readonly healthStartInterval: number | undefined;
  readonly healthRetries: number | undefined;
  readonly noHealthcheck: boolean;
  readonly memoryReservation: string | undefined;
  readonly cpuShares: number | undefined;
}

/** The annotation that has the kernel limit the container's processes: NAME=SOFT[:HARD] each. Throws usage errors. */
export function ulimitAnnotation(container: string, all: readonly string[]): Readonly<Record<string, string>> {
  if (all.length === 0) return {};
  const words = all.map((text) => {
    const [, name = "", soft, hard = soft] = /^([a-z]+)=(-1|\d{1,15})(?::(-1|\d{1,15}))?$/.exec(text) ?? [];
    if (soft === undefined) throw usageError(`--ulimit is NAME=SOFT[:HARD], such as nofile=1024:4096, not "${text}"`);
    if (ulimitName(name) === undefined) throw usageError(`--ulimit "${text}": the kernel has no limit ${name}`);
    return `${container}.${name}=${soft}:${hard}`;
  });
  return { [ULIMITS]: words.join(",") };
}

/** Failures in a row that count for ever: docker never restarts a container because it is not healthy. */
const NEVER = 2_147_483_647;
/** Docker's, in seconds. */
const INTERVAL = 30;
const TIMEOUT = 30;
const START_INTERVAL = 5;
const RETRIES = 3;

/** The health check as probes: docker tells of health and takes nothing away for it. While it starts, failures do not count. */
export function healthProbes(flags: ExtraFlags): JsonObject {
  const { healthCmd, noHealthcheck, healthStartPeriod, healthStartInterval } = flags;
  const others = [
    ...[flags.healthInterval, flags.healthTimeout, healthStartPeriod, healthStartInterval],
    flags.healthRetries,
  ];
  if (noHealthcheck && (healthCmd !== undefined || others.some((each) => each !== undefined)))
    throw usageError("--no-healthcheck and --health-… are two answers to one question");
  if (healthCmd === undefined && others.some((each) => each !== undefined))
    throw usageError("say what is asked with --health-cmd: the image's own health check is not known here");
  if (healthCmd === undefined) return {};
  const exec = { command: ["/bin/sh", "-c", healthCmd] };
  const periodSeconds = seconds(flags.healthInterval, INTERVAL);
  const timeoutSeconds = seconds(flags.healthTimeout, TIMEOUT);
  const readinessProbe = { exec, periodSeconds, timeoutSeconds, failureThreshold: flags.healthRetries ?? RETRIES };
  if (healthStartPeriod === undefined || healthStartPeriod === 0) return { readinessProbe };
  const startSeconds = seconds(healthStartInterval, Math.min(periodSeconds, START_INTERVAL));
  const whileStarting = { periodSeconds: startSeconds, failureThreshold: NEVER };
  return { readinessProbe, startupProbe: { exec, timeoutSeconds, ...whileStarting } };
}

function seconds(ms: number | undefined, fallback: number): number {
  return ms === undefined || ms === 0 ? fallback : Math.max(1, Math.ceil(ms / 1_000));
}

/** What is reserved beside limits: memory, and CPU in docker's shares, of which a core has 1024. */
export function requestsOf({ memoryReservation, cpuShares }: ExtraFlags): Readonly<Record<string, string>> {
  const bytes = memoryReservation === undefined ? undefined : dockerBytes(memoryReservation);
  if (memoryReservation !== undefined && bytes === undefined)
    throw usageError(`--memory-reservation is a size such as 256m, not "${memoryReservation}"`);
  return {
    ...(bytes === undefined ? {} : { memory: bytes }),
    ...(cpuShares === undefined ? {} : { cpu: `${Math.max(1, Math.round((cpuShares * 1_000) / 1_024))}m` }),
  };
}

/** Flags of docker's run that are known and not offered, and what does it here. */
export const RUN_INSTEAD: Readonly<Record<string, string>> = {
  domainname: "write subdomain in a manifest",
  ip: "addresses are given by the node",
  ip6: "addresses are given by the node",
  isolation: "it is for Windows",
  link: "containers with a --name reach each other by it",
  "mac-address": "addresses are given by the node",
  "pids-limit": "say it with --ulimit nproc=COUNT",
  "storage-opt": "limit ephemeral-storage in a manifest",
  userns: "write hostUsers: false in a manifest",
  uts: "each container has a host name of its own",
  "volume-driver": "choose a StorageClass in a manifest",
};
