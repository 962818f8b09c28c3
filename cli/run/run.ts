import { metaOf, type Typed, withMeta } from "../../kinds/object.js";
import { hasCode, TallshipError } from "../../lib/errors.js";
import { systemRng } from "../../lib/system-rng.js";
import type { OwnerReference } from "../../proto/gen/tallship/v1/meta.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { type Cluster, withCluster } from "../cluster.js";
import { exitOf, joinContainer } from "../containers/attach.js";
import { findContainers } from "../containers/find.js";
import { idOf } from "../containers/identity.js";
import { stopPod } from "../containers/power.js";
import { removePod } from "../containers/remove.js";
import type { SessionEnd } from "../containers/session.js";
import { createMadeUp, createObject, madeUp } from "../create/write.js";
import { EXIT } from "../exit-codes.js";
import { imageMeant } from "../images/by-id.js";
import { listObjects } from "../objects.js";
import type { Shell } from "../shell.js";
import { usageError } from "../verb.js";
import { exposedPorts } from "./exposed-ports.js";
import type { RunFlags } from "./flags.js";
import { allGpus, parseGpus } from "./gpus.js";
import { madeUpName } from "./names.js";
import { type RunCommand, type RunOrder, runOrder } from "./order.js";
import { overridden } from "./overrides.js";
import { refuseForeign, shareName } from "./share-name.js";
import { untilStarted } from "./until-started.js";
import { readVolumeSource, type SharedVolumes, sharedVolumes } from "./volumes-from.js";

/** How `run` was called. */
export interface RunCall {
  readonly flags: RunFlags;
  readonly operands: readonly string[];
  readonly rest: readonly string[] | undefined;
  /** What is made waits for `start`. */
  readonly isHeld?: boolean;
}

/** Most names made up before it is given up: each is taken by chance. */
const NAMES_TRIED = 5;

/** Runs an image as a pod of its own: in the foreground with its input and output, or with -d on its own. */
export async function runRun(call: RunCall, shell: Shell): Promise<number> {
  const { flags } = call;
  const command = await readCommand(call, shell);
  if (flags.tty && flags.interactive && !flags.detach && !shell.stdin.isTerminal)
    throw new TallshipError("invalid_argument", "the input device is not a terminal: leave -t out");
  const early = await overridden(runOrder(flags, command), flags);
  if (flags.volumesFrom.length > 0 && (flags.dryRun !== undefined || flags.output !== undefined))
    throw usageError("--volumes-from asks the cluster: leave --dry-run and -o out");
  if (flags.dryRun !== undefined || flags.output !== undefined) return createMadeUp(flags, shell, early.pod);
  if (flags.cidfile !== undefined && (await shell.files.find(flags.cidfile)).is !== "nothing")
    throw new TallshipError(
      "already_exists",
      `--cidfile ${flags.cidfile} is there already: remove it, or name another`,
    );
  return withCluster(shell, flags, async (cluster) => {
    const image = await imageMeant(cluster, command.image, shell.signal);
    const exposed = flags.publishAll ? await exposedPorts(cluster, image, shell.signal) : [];
    const asked = asksForAll(flags) ? await withGpus({ cluster, shell, call }, command) : command;
    const shared = await volumesFrom(cluster, flags.volumesFrom, shell.signal);
    const order = await overridden(runOrder(flags, { ...asked, image, exposed, shared }), flags);
    for (const note of order.notes) await shell.stderr.write(`note: ${note}\n`);
    const pod = await create({ cluster, shell, call }, order);
    await writeId({ cluster, shell, call }, pod);
    if (call.isHeld === true) return tellName(pod, shell);
    // kubectl's form returns at once, unless the user wants to talk to it.
    const isKubectls = flags.image !== undefined && !flags.interactive && !flags.stdin && !flags.rm;
    if (isKubectls) await shell.stdout.write(`pod/${metaOf(pod).name} created\n`);
    return isKubectls ? EXIT.ok : follow({ cluster, shell, flags }, pod);
  });
}

async function volumesFrom(cluster: Cluster, words: readonly string[], signal: AbortSignal): Promise<SharedVolumes> {
  const sources = words.map(readVolumeSource);
  const found = await findContainers(
    cluster,
    sources.map(({ word }) => word),
    signal,
  );
  return sharedVolumes(found.map((each, at) => ({ found: each, isReadOnly: sources[at]?.isReadOnly === true })));
}

async function tellName(pod: Pod, shell: Shell): Promise<number> {
  await shell.stdout.write(`${metaOf(pod).name}\n`);
  return EXIT.ok;
}

function asksForAll({ gpus }: RunFlags): boolean {
  return gpus !== undefined && parseGpus(gpus).count === "all";
}

/** The command, with how many GPUs all of a node are; refused while no node has any. */
async function withGpus({ cluster, shell, call: { flags } }: Ground, command: RunCommand): Promise<RunCommand> {
  const { objects } = await listObjects(cluster, { kind: "Node", namespace: undefined }, shell.signal);
  const count = allGpus(
    objects.flatMap((found) => (found.kind === "Node" ? [found.object] : [])),
    flags.node,
  );
  if (count === 0)
    throw new TallshipError(
      "failed_precondition",
      `--gpus all: ${flags.node === undefined ? "no node has any" : `${flags.node} has none`}`,
    );
  return { ...command, allGpus: count };
}

async function readCommand({ flags, operands, rest = [], isHeld = false }: RunCall, shell: Shell): Promise<RunCommand> {
  const [first, ...others] = operands;
  if (first === undefined) throw usageError("name the image: run IMAGE [COMMAND ARG…]");
  const isKubectls = flags.image !== undefined;
  if (isKubectls && flags.name !== undefined)
    throw usageError("the name stands before --image: run NAME --image=IMAGE");
  const name = isKubectls ? first : flags.name;
  return {
    name: name ?? madeUpName(systemRng),
    isNamed: name !== undefined,
    image: flags.image ?? first,
    words: [...others, ...rest],
    fileVariables: await linesOf(flags.envFile, shell),
    fileLabels: await linesOf(flags.labelFile, shell),
    env: shell.env,
    exposed: [],
    isHeld,
  };
}

/** Of each file its lines; empty ones and comments do not count. */
async function linesOf(paths: readonly string[], { files }: Shell): Promise<readonly string[]> {
  const texts = await Promise.all(paths.map((path) => files.read(path)));
  const lines = texts.flatMap((text) => text.split(/\r?\n/));
  return lines.filter((line) => line.trim() !== "" && !line.trimStart().startsWith("#"));
}

/** Docker's file with the id of what was started, for scripts. */
async function writeId({ shell, call: { flags } }: Ground, pod: Pod): Promise<void> {
  const container = pod.spec?.containers[0]?.name ?? "";
  if (flags.cidfile !== undefined) await shell.files.write(flags.cidfile, idOf({ pod, container }));
}

interface Ground {
  readonly cluster: Cluster;
  readonly shell: Shell;
  readonly call: RunCall;
}

/** Creates what is needed. Ports are tried before, so that a clash leaves nothing behind. */
async function create(ground: Ground, order: RunOrder): Promise<Pod> {
  const { cluster, shell } = ground;
  const run = { cluster, shell, dryRun: undefined };
  const { namespace } = cluster;
  for (const claim of order.claims) await createObject(run, madeUp(claim, namespace)).catch(ignoreExisting);
  const services = order.services.map((service) => madeUp(service, namespace));
  const aliases = order.aliases.map((alias) => madeUp(alias, namespace));
  await refuseTaken(ground, order);
  for (const alias of aliases) await refuseForeign(run, alias);
  for (const service of services) await createObject({ ...run, dryRun: "server" }, service).catch(refuseName(service));
  const pod = await createPod(ground, order, 1);
  try {
    for (const service of services) await createObject(run, ownedBy(service, pod));
    for (const alias of aliases) await shareName(run, alias, ownerIn(pod));
  } catch (error) {
    await removePod({ shell, cluster }, pod);
    throw error;
  }
  return pod;
}

/** A name that the user has chosen must be free. */
async function refuseTaken({ cluster, shell, call }: Ground, { name, pod }: RunOrder): Promise<void> {
  if (call.flags.name === undefined && call.flags.image === undefined) return;
  try {
    await createObject({ cluster, shell, dryRun: "server" }, madeUp(pod, cluster.namespace));
  } catch (error) {
    if (!hasCode(error, "already_exists")) throw error;
    const remedy = `remove it first (tsctl rm ${name}), or choose another`;
    throw new TallshipError("already_exists", `the name "${name}" is in use: ${remedy}`, { cause: error });
  }
}

async function createPod(ground: Ground, order: RunOrder, attempt: number): Promise<Pod> {
  const { cluster, shell, call } = ground;
  try {
    const typed = await createObject({ cluster, shell, dryRun: undefined }, madeUp(order.pod, cluster.namespace));
    if (typed.kind !== "Pod") throw new TallshipError("internal", `run: the server made a ${typed.kind}`);
    return typed.object;
  } catch (error) {
    const isMadeUp = call.flags.name === undefined && call.flags.image === undefined && order.services.length === 0;
    if (!hasCode(error, "already_exists") || !isMadeUp || attempt === NAMES_TRIED) throw error;
    const again = await overridden(runOrder(call.flags, await readCommand(call, shell)), call.flags);
    return createPod(ground, again, attempt + 1);
  }
}

/** A name in DNS is one container's. */
function refuseName(service: Typed): (error: unknown) => never {
  const { name } = metaOf(service.object);
  return (error) => {
    if (!hasCode(error, "already_exists")) throw error;
    const why = `the name "${name}" leads to something else already: remove service ${name}, or choose another`;
    throw new TallshipError("already_exists", why, { cause: error });
  };
}

function ignoreExisting(error: unknown): void {
  if (!hasCode(error, "already_exists")) throw error;
}

/** What belongs to the pod goes with it. */
function ownedBy(typed: Typed, pod: Pod): Typed {
  return withMeta(typed, { ...metaOf(typed.object), ownerReferences: [ownerIn(pod)] });
}

function ownerIn(pod: Pod): OwnerReference {
  const { name, uid } = metaOf(pod);
  return { apiVersion: "v1", kind: "Pod", name, uid, controller: false, blockOwnerDeletion: false };
}

interface FollowGround {
  readonly cluster: Cluster;
  readonly shell: Shell;
  readonly flags: RunFlags;
}

async function follow(ground: FollowGround, pod: Pod): Promise<number> {
  const { cluster, shell, flags } = ground;
  const { name } = metaOf(pod);
  const started = await untilStarted(ground, pod, { leavesWaiting: flags.detach });
  if (started.state.is === "failed") {
    await removePod({ shell, cluster }, pod);
    await shell.stderr.write(`error: ${name} did not start: ${started.state.why}\n`);
    return started.state.exitCode;
  }
  if (flags.detach) return tellName(pod, shell);
  const found = { pod: started.pod, container: pod.spec?.containers[0]?.name ?? "" };
  // The user's interrupt stops the container, whose end is then awaited; a second one leaves it to itself.
  const calm = { ...shell, signal: new AbortController().signal };
  const end = await joinContainer(cluster, shell, found, {
    hasStdin: flags.interactive || flags.stdin,
    isFromStart: true,
    onInterrupt: () => void stopPod({ shell: calm, cluster }, started.pod, undefined).catch(() => undefined),
  });
  await cleanUp({ cluster, shell: calm, flags }, started.pod, end);
  return exitOf(found, end);
}

async function cleanUp({ cluster, shell, flags }: FollowGround, pod: Pod, end: SessionEnd): Promise<void> {
  if (flags.rm && end.is === "exit")
    await removePod({ shell, cluster }, pod).catch((error: unknown) => {
      if (!hasCode(error, "not_found")) throw error;
    });
}
