import type { JsonObject } from "../../kinds/encode.js";
import { keyOf, metaOf, type Typed } from "../../kinds/object.js";
import type { KindName } from "../../kinds/registry.js";
import { TallshipError } from "../../lib/errors.js";
import { randomSuffix } from "../../lib/rng.js";
import { systemRng } from "../../lib/system-rng.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { changeObject, strategicPatch } from "../change/change.js";
import { type Cluster, type ClusterFlags, withCluster } from "../cluster.js";
import { createObject, madeUp } from "../create/write.js";
import { EXIT } from "../exit-codes.js";
import { containerNames, onePodOf } from "../pods/resolve.js";
import { untilStarted } from "../run/until-started.js";
import type { Shell } from "../shell.js";
import { readTarget } from "../targets.js";
import { usageError } from "../verb.js";
import { exitOf, joinContainer } from "./attach.js";
import { type CopyOrder, copyOfPod } from "./debug-copy.js";
import { removePod } from "./remove.js";

/** What `debug` was asked. */
export interface DebugFlags extends ClusterFlags {
  readonly image: string | undefined;
  readonly container: string | undefined;
  readonly target: string | undefined;
  readonly stdin: boolean;
  readonly tty: boolean;
  readonly env: readonly string[];
  readonly copyTo: string | undefined;
  readonly replace: boolean;
  readonly sameNode: boolean;
  readonly setImage: string | undefined;
  readonly shareProcesses: boolean;
  readonly attach: boolean;
  readonly quiet: boolean;
}

interface DebugCall {
  readonly flags: DebugFlags;
  readonly operands: readonly string[];
  readonly rest: readonly string[] | undefined;
}

/** Adds a container to a running pod to look at it, or makes a pod that looks at a node, and joins it. */
export function runDebug({ flags, operands, rest = [] }: DebugCall, shell: Shell): Promise<number> {
  const target = readTarget(operands, "Pod");
  refuseHalfCopy(flags, target.kind);
  const container = {
    name: flags.container ?? `debugger-${randomSuffix(systemRng, 5)}`,
    ...(flags.image === undefined ? {} : { image: flags.image }),
    ...(rest.length === 0 ? {} : { command: [...rest] }),
    ...(flags.stdin ? { stdin: true, stdinOnce: !flags.tty } : {}),
    ...(flags.tty ? { tty: true } : {}),
    ...(flags.env.length === 0 ? {} : { env: flags.env.map(variable) }),
  };
  return withCluster(shell, flags, async (cluster) => {
    const ground = { cluster, shell, flags };
    if (target.kind === "Node") return join(ground, await nodePod(ground, target.name, container), container.name);
    const pod = await onePodOf(cluster, target, shell.signal);
    if (flags.copyTo !== undefined) return join(ground, await copiedPod(ground, pod, container), container.name);
    return join(ground, await withDebugger(ground, pod, container), container.name);
  });
}

function variable(text: string): { readonly name: string; readonly value: string } {
  const [name = "", ...value] = text.split("=");
  return { name, value: value.join("=") };
}

interface Ground {
  readonly cluster: Cluster;
  readonly shell: Shell;
  readonly flags: DebugFlags;
}

type Container = JsonObject & { readonly name: string };

/** The flags of a copy go with it; only a copy may do without an image. */
function refuseHalfCopy(flags: DebugFlags, kind: KindName): void {
  const { copyTo, image, replace, sameNode, setImage } = flags;
  if (copyTo === undefined && (replace || sameNode || setImage !== undefined))
    throw usageError("--replace, --same-node and --set-image are of copies: --copy-to=NAME");
  if (copyTo !== undefined && kind === "Node") throw usageError("--copy-to copies a pod, not a node");
  if (copyTo !== undefined && flags.target !== undefined)
    throw usageError("--target is of a container beside the pod's own: leave it or --copy-to out");
  if (copyTo === undefined && image === undefined) throw usageError("say with what: --image=IMAGE");
}

/** A copy of the pod in which the container looks. */
async function copiedPod({ cluster, shell, flags }: Ground, pod: Pod, container: Container): Promise<Pod> {
  const order: CopyOrder = {
    name: flags.copyTo ?? "",
    container,
    sharesProcesses: flags.shareProcesses,
    isSameNode: flags.sameNode,
    images: flags.setImage?.split(",") ?? [],
  };
  const copied = madeUp(copyOfPod(pod, order), cluster.namespace);
  if (flags.replace) await removePod({ shell, cluster }, pod);
  return podIn(await createObject({ cluster, shell, dryRun: undefined }, copied));
}

/** The right to look at other processes is what it is for. */
const LOOKING = { capabilities: { add: ["SYS_PTRACE"] } };

async function withDebugger({ cluster, shell, flags }: Ground, pod: Pod, container: Container): Promise<Pod> {
  if (flags.target !== undefined && !containerNames(pod).includes(flags.target))
    throw new TallshipError("not_found", `pod "${metaOf(pod).name}" has no container "${flags.target}"`);
  if (!flags.quiet) await shell.stderr.write(`Defaulting debug container name to ${container.name}.\n`);
  const target: JsonObject = flags.target === undefined ? {} : { targetContainerName: flags.target };
  const added = { ...container, ...target, securityContext: LOOKING };
  const patch = strategicPatch({ spec: { ephemeralContainers: [added] } });
  const run = { cluster, shell, dryRun: undefined };
  const { after } = await changeObject(run, keyOf({ kind: "Pod", object: pod }), () => patch);
  return podIn(after);
}

/** A pod with the node's processes, network and files, which stand in /host. */
async function nodePod({ cluster, shell, flags }: Ground, node: string, container: Container): Promise<Pod> {
  const name = `node-debugger-${node}-${randomSuffix(systemRng, 5)}`;
  if (!flags.quiet) await shell.stderr.write(`Creating debugging pod ${name} on node ${node}.\n`);
  const json = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name },
    spec: {
      nodeName: node,
      restartPolicy: "Never",
      ...{ hostNetwork: true, hostPID: true, hostIPC: true },
      tolerations: [{ operator: "Exists" }],
      volumes: [{ name: "host-root", hostPath: { path: "/" } }],
      containers: [{ ...container, volumeMounts: [{ name: "host-root", mountPath: "/host" }] }],
    },
  };
  return podIn(await createObject({ cluster, shell, dryRun: undefined }, madeUp(json, cluster.namespace)));
}

function podIn(typed: Typed): Pod {
  if (typed.kind !== "Pod") throw new TallshipError("internal", `debug: the server sent a ${typed.kind}`);
  return typed.object;
}

async function join({ cluster, shell, flags }: Ground, pod: Pod, container: string): Promise<number> {
  if (!flags.stdin && !flags.attach) return EXIT.ok;
  const started = await untilStarted({ cluster, shell }, pod, { container, leavesWaiting: false });
  if (started.state.is === "failed")
    throw new TallshipError("failed_precondition", `${container} did not start: ${started.state.why}`);
  const found = { pod: started.pod, container };
  return exitOf(found, await joinContainer(cluster, shell, found, { hasStdin: flags.stdin, isFromStart: true }));
}
