import { FORMATS } from "../../kinds/formats.js";
import { kindOfWord } from "../../kinds/lookup.js";
import { asTallshipError, hasCode, TallshipError } from "../../lib/errors.js";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { type Cluster, type ClusterFlags, withCluster } from "../cluster.js";
import { findContainer } from "../containers/find.js";
import { isIdPrefix } from "../containers/identity.js";
import { EXIT } from "../exit-codes.js";
import type { Query } from "../objects.js";
import { containerNames, containerOf, type PodTarget, podQuery, podsOf } from "../pods/resolve.js";
import type { Shell } from "../shell.js";
import { objectText, readTarget } from "../targets.js";
import { toldAlready, usageError } from "../verb.js";
import { followPods } from "./follow.js";
import { LineWriter } from "./line-writer.js";
import { type LogOptions, type LogRun, printLog } from "./stream.js";

/** What `logs` was asked. */
export interface LogFlags extends ClusterFlags {
  readonly follow: boolean;
  readonly container: string | undefined;
  readonly allContainers: boolean;
  readonly tail: number | undefined;
  readonly since: number | undefined;
  readonly sinceTime: string | undefined;
  /** Milliseconds since the epoch. */
  readonly untilMs?: number | undefined;
  readonly timestamps: boolean;
  readonly previous: boolean;
  readonly prefix: boolean;
  /** Nothing says whose a line is, though several write. */
  readonly isBare?: boolean;
  /** What stands before a line, of pod/POD/CONTAINER; kubectl's brackets when absent. */
  readonly prefixOf?: (log: string) => string;
  /** Pods are yet to come: that there are none is no failure where they are followed. */
  readonly isPatient?: boolean;
  readonly limitBytes: number | undefined;
  readonly selector: string | undefined;
  /** Of all containers only those with these names. */
  readonly containers?: readonly string[] | undefined;
}

/** Lines told of each pod of a selector when nobody says how many, as with kubectl. */
const SELECTED_TAIL = 10;

/** Prints what the containers wrote; several are printed side by side, line by line. */
export async function runLogs(
  { flags, operands }: { readonly flags: LogFlags; readonly operands: readonly string[] },
  shell: Shell,
): Promise<number> {
  const asked = askedLogs(flags, operands);
  const options = optionsOf(flags, shell.clock.nowMs());
  return withCluster(shell, flags, async (cluster) => {
    const { target, flags } = await namedById(cluster, asked, shell.signal);
    const query = await queryOf(cluster, target, flags, shell.signal);
    const pods = await podsOf(cluster, query, shell.signal);
    if (pods.length === 0 && target?.kind === "Pod")
      return printDeparted(
        { cluster, shell, options, writer: new LineWriter(shell.stdout, flags.prefix || flags.allContainers) },
        target,
        flags,
      );
    if (pods.length === 0 && !(flags.follow && flags.isPatient === true)) throw nothingFound(cluster, target, flags);
    const isOnePod = target?.kind === "Pod";
    const isSeveral = flags.allContainers || (!isOnePod && (pods.length > 1 || flags.follow));
    const hasPrefix = flags.isBare !== true && (flags.prefix || isSeveral);
    const writer = new LineWriter(shell.stdout, hasPrefix, flags.prefixOf);
    const run: LogRun = { cluster, shell, options, writer };
    const choose = (pod: Pod): readonly string[] => chosenContainers(pod, flags);
    if (flags.follow && !isOnePod) return followPods(run, query, choose);
    return printAll(run, pods, choose);
  });
}

interface AskedLogs {
  readonly target: PodTarget | undefined;
  readonly flags: LogFlags;
}

/** What may be the beginning of an id stands for its container, where there is one. */
async function namedById(cluster: Cluster, asked: AskedLogs, signal: AbortSignal): Promise<AskedLogs> {
  const { target, flags } = asked;
  if (target?.kind !== "Pod" || !isIdPrefix(target.name)) return asked;
  try {
    const { pod, container } = await findContainer(cluster, target.name, signal);
    const own = flags.allContainers ? undefined : (flags.container ?? container);
    return { target: { kind: "Pod", name: pod.metadata?.name ?? "" }, flags: { ...flags, container: own } };
  } catch (error) {
    if (hasCode(error, "not_found")) return asked;
    throw error;
  }
}

/** What a pod that was deleted lately has left: nothing follows any more, and the control plane knows its containers. */
async function printDeparted(run: LogRun, target: PodTarget, flags: LogFlags): Promise<number> {
  const { namespace } = run.cluster;
  const pod = Pod.fromPartial({ metadata: { name: target.name, namespace } });
  try {
    const { allContainers } = flags;
    await printLog({ ...run, options: { ...run.options, follow: false, allContainers } }, pod, flags.container ?? "");
    return EXIT.ok;
  } catch (error) {
    const { code, message } = asTallshipError(error);
    const isUnknown = code === "not_found" && message === `Pod/${namespace}/${target.name} does not exist`;
    throw isUnknown ? nothingFound(run.cluster, target, flags) : error;
  }
}

async function printAll(run: LogRun, pods: readonly Pod[], choose: (pod: Pod) => readonly string[]): Promise<number> {
  const logs = pods.flatMap((pod) => choose(pod).map((container) => ({ pod, container })));
  const failures = await Promise.all(
    logs.map(async ({ pod, container }) => {
      try {
        await printLog(run, pod, container);
        return undefined;
      } catch (error) {
        return asTallshipError(error);
      }
    }),
  );
  const told = failures.filter((failure) => failure !== undefined);
  const [first] = told;
  if (first === undefined) return EXIT.ok;
  if (told.length === 1 && logs.length === 1) throw first;
  for (const { message } of told) await run.shell.stderr.write(`error: ${message}\n`);
  throw toldAlready(first.code);
}

function askedLogs(flags: LogFlags, operands: readonly string[]): AskedLogs {
  const [pod = "", container, ...more] = operands;
  if (flags.selector !== undefined) {
    if (operands.length > 0) throw usageError("name a pod or select pods, not both");
    return { target: undefined, flags };
  }
  if (operands.length === 0) throw usageError("name a pod, TYPE/NAME, or select pods with -l");
  // kubectl takes POD CONTAINER and TYPE/NAME CONTAINER as well.
  const isContainer = container !== undefined && more.length === 0 && kindOfWord(pod) === undefined;
  if (!isContainer) return { target: readTarget(operands, "Pod"), flags };
  if (flags.container !== undefined) throw usageError("the container stands after the pod, or after -c, not both");
  return { target: readTarget([pod], "Pod"), flags: { ...flags, container } };
}

function optionsOf(flags: LogFlags, nowMs: number): LogOptions {
  if (flags.since !== undefined && flags.sinceTime !== undefined)
    throw usageError("--since and --since-time are two answers to one question");
  const wrong = flags.sinceTime === undefined ? undefined : FORMATS.time(flags.sinceTime);
  if (wrong !== undefined) throw usageError(`--since-time: ${wrong}, not "${flags.sinceTime}"`);
  if (flags.container !== undefined && flags.allContainers)
    throw usageError("-c and --all-containers are two answers to one question");
  const tail = flags.tail ?? (flags.selector === undefined ? -1 : SELECTED_TAIL);
  return {
    follow: flags.follow,
    tailLines: tail < 0 ? undefined : tail,
    sinceTime: flags.since === undefined ? (flags.sinceTime ?? "") : new Date(nowMs - flags.since).toISOString(),
    timestamps: flags.timestamps,
    previous: flags.previous,
    limitBytes: flags.limitBytes ?? 0,
    untilMs: flags.untilMs,
  };
}

async function queryOf(
  cluster: Cluster,
  target: PodTarget | undefined,
  flags: LogFlags,
  signal: AbortSignal,
): Promise<Query> {
  if (target !== undefined) return podQuery(cluster, target, signal);
  return { kind: "Pod", namespace: cluster.namespace, labels: flags.selector };
}

function chosenContainers(pod: Pod, flags: LogFlags): readonly string[] {
  const { containers } = flags;
  if (containers !== undefined) return containerNames(pod).filter((name) => containers.includes(name));
  return flags.allContainers ? containerNames(pod) : [containerOf(pod, flags.container)];
}

function nothingFound(cluster: Cluster, target: PodTarget | undefined, flags: LogFlags): TallshipError {
  if (target === undefined)
    return new TallshipError("not_found", `no pods in namespace ${cluster.namespace} match ${flags.selector}`);
  const name = objectText(target.kind, cluster.namespace, target.name);
  return new TallshipError("not_found", target.kind === "Pod" ? `${name} does not exist` : `${name} has no pods`);
}
