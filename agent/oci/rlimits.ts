import { ULIMIT_NAMES, type Ulimit, type UlimitName, ulimitsOf } from "../../kinds/ulimits.js";
import type { Container } from "../../proto/gen/tallship/v1/container.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import type { OciRlimit } from "./oci-types.js";

/** The most of each limit that the agent may give; undefined, or a limit that is not named, is any. */
export type HardLimits = Readonly<Partial<Record<UlimitName, number>>>;

/** What a container asks for comes to, and in words what of it the host does not give: a container with less is better than none. */
export function rlimitsOf(
  pod: Pod,
  container: Container,
  most: HardLimits | undefined,
): { readonly rlimits: readonly OciRlimit[]; readonly refused: readonly string[] } {
  const asked = ulimitsOf(pod.metadata?.annotations ?? {}, container.name);
  const rlimits = asked.map((limit) => ociRlimit(limit, most?.[limit.name] ?? Number.POSITIVE_INFINITY));
  const refused = asked.flatMap(({ name, hard }) => {
    const bound = most?.[name];
    return bound !== undefined && bound < hard ? [`${name}: the node gives at most ${bound}`] : [];
  });
  return { rlimits, refused };
}

/** No limit at all is a number that JSON cannot say: half of it is as good. */
const UNLIMITED = 2 ** 63;

function ociRlimit({ name, soft, hard }: Ulimit, most: number): OciRlimit {
  const bounded = (amount: number): number => Math.min(amount, most, UNLIMITED);
  return { type: `RLIMIT_${name.toUpperCase()}`, soft: bounded(soft), hard: bounded(hard) };
}

const LABELS: Readonly<Record<string, UlimitName>> = {
  "Max cpu time": "cpu",
  "Max file size": "fsize",
  "Max data size": "data",
  "Max stack size": "stack",
  "Max core file size": "core",
  "Max resident set": "rss",
  "Max processes": "nproc",
  "Max open files": "nofile",
  "Max locked memory": "memlock",
  "Max file locks": "locks",
  "Max pending signals": "sigpending",
  "Max msgqueue size": "msgqueue",
  "Max nice priority": "nice",
  "Max realtime priority": "rtprio",
  "Max realtime timeout": "rttime",
};

/** The hard limits in a /proc/PID/limits text; one that is unlimited is left out. */
export function parseHardLimits(text: string): HardLimits {
  const found = text.split("\n").flatMap((line) => {
    const [, label = "", hard] = /^(Max .*?) {2,}\S+ +(\d+)\b/.exec(line) ?? [];
    const name = LABELS[label];
    return name === undefined || hard === undefined ? [] : [[name, Number(hard)] as const];
  });
  return Object.fromEntries(found.filter(([name]) => ULIMIT_NAMES.includes(name)));
}
