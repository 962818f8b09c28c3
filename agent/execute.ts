import { everyContainer } from "../kinds/pod-containers.js";
import { resizableOf } from "../kinds/resize.js";
import { TallshipError } from "../lib/errors.js";
import type { Container } from "../proto/gen/tallship/v1/container.js";
import type { Pod } from "../proto/gen/tallship/v1/pod.js";
import type { Service } from "../proto/gen/tallship/v1/service.js";
import type { Actions, HookName } from "./actions.js";
import { assemble, type NodeTraits, openBinds, resolve } from "./assemble.js";
import type { ControlPlane } from "./control-plane.js";
import { withDeviceEdits } from "./devices/edit-spec.js";
import { hostDeviceEdits } from "./devices/host-devices.js";
import type { NodeDevices } from "./devices/node-devices.js";
import type { Hook } from "./hooks/hook.js";
import { HUGEPAGES_CONDITION, hugepagesNotLimited } from "./host/limits-condition.js";
import type { LocalImage, RootFsDriver } from "./image/images.js";
import type { ContainerLogs } from "./logs/container-logs.js";
import { oomScoreRefused } from "./oci/oom-score.js";
import { ociResources } from "./oci/resources.js";
import { rlimitsOf } from "./oci/rlimits.js";
import type { UserFiles } from "./oci/user.js";
import { containerRecord, type PodRecord, withContainer } from "./pod-record.js";
import type { PodFacts, PodTurn } from "./pod-turn.js";
import { asGranted } from "./resize/as-granted.js";
import { hasLastingFiles } from "./restart-policy.js";
import { rootIdOf } from "./root-id.js";
import { type ContainerKey, containerId, parseContainerId, type Runtime } from "./runtime/runtime.js";
import { fillsOf } from "./volume/fill-plan.js";
import type { PodDisk } from "./volume/pod-disk.js";
import { configVolumePlans } from "./volume/volume-plan.js";

/** What carrying out an action changed of what the agent knows. */
export interface Effect {
  readonly facts?: (facts: PodFacts) => PodFacts;
  readonly record?: (record: PodRecord) => PodRecord;
}

/** Edge: what is read from an image's layers. */
export interface ImageRoots {
  /** The image's user files; refuses a hostile root with image_refused. */
  inspect(image: LocalImage): UserFiles;
}

/** Everything that actions are carried out with. */
export interface ExecuteEdges {
  readonly runtime: Runtime;
  readonly hooks: Readonly<Record<HookName, Hook>>;
  readonly rootfs: RootFsDriver;
  readonly imageRoots: ImageRoots;
  readonly disk: PodDisk;
  readonly devices: Pick<NodeDevices, "editsOf" | "findNode">;
  readonly logs: ContainerLogs;
  readonly node: NodeTraits;
  /** The services of a namespace, as far as the node knows them. */
  readonly services: (namespace: string) => readonly Service[];
  readonly controlPlane: ControlPlane;
}

/** What an action is carried out on. */
export interface ExecuteContext {
  readonly turn: PodTurn;
  readonly signal: AbortSignal;
  readonly nowMs: () => number;
}

/** One row per action; a row that is missing does not compile. */
export type Executors = {
  readonly [K in keyof Actions]: (args: Actions[K], context: ExecuteContext) => Promise<Effect>;
};

/** The table of actions. Each is idempotent; a failure is thrown, and the next plan decides. */
export function executors(edges: ExecuteEdges): Executors {
  const { runtime, hooks, rootfs, controlPlane } = edges;
  return {
    prepare: ({ hook }, context) => prepare(hooks[hook], context),
    refresh: (_, context) => refresh(context, edges),
    create: (args, context) => create(args, context, edges),
    start: async (args, { turn }) => {
      await runtime.start({ podUid: turn.record.uid, ...args });
      return {};
    },
    pause: async (args, { turn }) => {
      await runtime.pause({ podUid: turn.record.uid, ...args });
      return {};
    },
    unpause: async (args, { turn }) => {
      await runtime.unpause({ podUid: turn.record.uid, ...args });
      return {};
    },
    resize: (args, context) => resize(args, context, edges),
    signal: (args, context) => signal(args, context, edges),
    remove: async ({ container, attempt }, { turn }) => {
      const key = { podUid: turn.record.uid, container, attempt };
      await runtime.remove(key);
      if (!hasLastingFiles(turn.desired, turn.record)) await rootfs.remove(containerId(key));
      return {};
    },
    release: async ({ hook, keepsFiles: areKept }, { turn, signal: aborted }) => {
      if (!areKept || !LASTING_HOOKS.has(hook)) await hooks[hook].down(turn.record.uid, aborted);
      return { facts: (facts) => ({ ...facts, up: without(facts.up, hook), down: new Set([...facts.down, hook]) }) };
    },
    clear: async (_, { turn }) => {
      if (!hasLastingFiles(turn.desired, turn.record)) await removeRoots(turn.record.uid, rootfs);
      await runtime.removePod(turn.record.uid);
      return { facts: (facts) => ({ ...facts, isCleared: true }) };
    },
    confirm: async (_, { turn }) => {
      if (turn.desired !== undefined) await controlPlane.releasePod(turn.desired);
      return { facts: (facts) => ({ ...facts, isConfirmed: true }) };
    },
    forget: async (_, { turn, nowMs }) => {
      await edges.logs.putAside(turn.record.uid, nowMs());
      return {};
    },
  };
}

/** What they brought up lasts with a pod's files: the files, and the ids that these belong to. */
const LASTING_HOOKS: ReadonlySet<HookName> = new Set(["volumes", "users"]);

/** Root file systems that lasted beyond their runs. */
async function removeRoots(uid: string, rootfs: RootFsDriver): Promise<void> {
  for (const id of await rootfs.list()) if (parseContainerId(id)?.podUid === uid) await rootfs.remove(id);
}

async function prepare(hook: Hook, { turn, signal: aborted }: ExecuteContext): Promise<Effect> {
  const found = await hook.up({ uid: turn.record.uid, pod: wanted(turn), facts: turn.facts }, aborted);
  return {
    facts: (facts) => ({
      ...facts,
      ...found,
      up: new Set([...facts.up, hook.name]),
      down: without(facts.down, hook.name),
      isCleared: false,
    }),
    record: (record) => (record.hookFailure === undefined ? record : { ...record, hookFailure: undefined }),
  };
}

/** Changes that happen meanwhile are not seen by this one: they count for the next. */
async function refresh(
  { turn, signal: aborted }: ExecuteContext,
  { hooks, disk, node }: ExecuteEdges,
): Promise<Effect> {
  const pod = wanted(turn);
  const configsSeenCount = turn.facts.configChangeCount;
  const { configs } = await hooks.config.up({ uid: turn.record.uid, pod, facts: turn.facts }, aborted);
  const { allocatable } = node;
  if (configs !== undefined) await disk.refresh(turn.record.uid, configVolumePlans(pod, { configs, allocatable }));
  return { facts: (facts) => ({ ...facts, configs: configs ?? facts.configs, configsSeenCount }) };
}

async function create(
  { container: name, attempt }: Actions["create"],
  { turn }: ExecuteContext,
  { runtime, rootfs, imageRoots, disk, devices, logs, node, services, controlPlane }: ExecuteEdges,
): Promise<Effect> {
  const pod = asGranted(wanted(turn), turn.record);
  const key: ContainerKey = { podUid: turn.record.uid, container: name, attempt };
  const container = containerOf(pod, name);
  const image = turn.facts.images.get(name);
  if (image === undefined) throw new TallshipError("internal", `create ${containerId(key)}: its image is not prepared`);
  const { facts } = turn;
  const users = imageRoots.inspect(image);
  const resolved = resolve({
    ...{ pod, container, image, users, facts, node },
    services: services(pod.metadata?.namespace ?? ""),
  });
  for (const message of rlimitsOf(pod, container, node.hardLimits).refused)
    controlPlane.notify({ pod, container: name, type: "Warning", reason: "LimitLowered", message });
  const host = { memoryBytes: node.memoryBytes, floor: node.oomScoreFloor };
  const unprotected = oomScoreRefused(pod.status?.qosClass ?? "", container, host);
  if (unprotected !== undefined)
    controlPlane.notify({ pod, container: name, type: "Warning", reason: "OOMScoreLimited", message: unprotected });
  const unlimited = hugepagesNotLimited(container.resources?.limits, node.counts);
  if (unlimited !== undefined)
    controlPlane.notify({ pod, container: name, type: "Warning", reason: HUGEPAGES_CONDITION, message: unlimited });
  const edits = [...(await devices.editsOf(key.podUid, pod, name)), ...hostDeviceEdits(pod, name)];
  await logs.removeOldRuns(key);
  const lastWordsPath = logs.makeLastWords(key);
  const open = await openBinds(
    { uid: key.podUid, pod, container, facts, variables: resolved.variables, lastWordsPath },
    disk,
  );
  try {
    const root = await rootfs.prepare(rootIdOf(key, pod), image, facts.users?.ids.first);
    for (const fill of fillsOf({ pod, container, root, volumePaths: facts.volumePaths })) await disk.fill(fill);
    const spec = assemble({
      ...{ key, pod, container, image, users, facts, resolved, root, node, logPath: logs.path(key) },
      binds: open.binds,
      targetPid: targetPid(turn, container),
    });
    await runtime.create({ ...spec, oci: withDeviceEdits(spec.oci, edits, devices.findNode) });
  } finally {
    await open.release();
  }
  const amounts = { inForce: resizableOf(container.resources), allocated: undefined, resizeFailure: undefined };
  const made = {
    attempt,
    image: container.image,
    imageDigest: image.indexDigest ?? image.digest,
    failed: undefined,
    ...amounts,
  };
  return { record: (record) => withContainer(record, name, made) };
}

async function resize(
  { container: name, attempt }: Actions["resize"],
  { turn }: ExecuteContext,
  { runtime, node }: Pick<ExecuteEdges, "runtime" | "node">,
): Promise<Effect> {
  const container = containerOf(asGranted(wanted(turn), turn.record), name);
  const { cpu, memory } = ociResources(container.resources, { isPrivileged: false, counts: node.counts });
  await runtime.update({ podUid: turn.record.uid, container: name, attempt }, { cpu, memory });
  const inForce = resizableOf(container.resources);
  return {
    record: (record) => {
      if (containerRecord(record, name).attempt !== attempt) return record;
      return withContainer(record, name, { inForce, allocated: undefined, resizeFailure: undefined });
    },
  };
}

/** Its processes and those of the container it looks at see each other. */
function targetPid({ containers }: PodTurn, { targetContainerName: target }: Container): number | undefined {
  if (target === "") return undefined;
  const states = containers.filter(({ container }) => container === target).map(({ state }) => state);
  const pid = states.flatMap((state) => (state.is === "running" ? [state.pid] : []))[0];
  if (pid === undefined) throw new TallshipError("failed_precondition", `target container ${target} does not run`);
  return pid;
}

async function signal(
  { container, attempt, signal: name }: Actions["signal"],
  { turn, nowMs }: ExecuteContext,
  { runtime }: ExecuteEdges,
): Promise<Effect> {
  const key = { podUid: turn.record.uid, container, attempt };
  await runtime.signal(key, name === "" ? stopSignal(turn, container) : name);
  const sent = name === "" ? { signalledAtMs: nowMs() } : { killedAtMs: nowMs() };
  return {
    record: (record) => {
      const { ending, attempt: current } = containerRecord(record, container);
      if (ending === undefined || current !== attempt) return record;
      return withContainer(record, container, { ending: { ...ending, ...sent } });
    },
  };
}

/** The stop signal that the container asks for, else its image's, in the form SIGTERM or a number. */
function stopSignal({ desired, facts }: PodTurn, container: string): string {
  const own = desired === undefined ? undefined : everyContainer(desired).find(({ name }) => name === container);
  const asked = own?.lifecycle?.stopSignal || (facts.images.get(container)?.config.stopSignal ?? "");
  if (asked === "") return "SIGTERM";
  if (/^\d+$/.test(asked)) return asked;
  return asked.startsWith("SIG") ? asked : `SIG${asked}`;
}

function wanted({ desired, record }: PodTurn): Pod {
  if (desired === undefined) throw new TallshipError("internal", `pod ${record.uid}: nobody wants it any more`);
  return desired;
}

function containerOf(pod: Pod, name: string): Container {
  const found = everyContainer(pod).find((container) => container.name === name);
  if (found === undefined) throw new TallshipError("internal", `pod ${pod.metadata?.name}: no container ${name}`);
  return found;
}

function without<T>(set: ReadonlySet<T>, value: T): ReadonlySet<T> {
  return new Set([...set].filter((member) => member !== value));
}

/** Carries out an action by its row of the table. TypeScript cannot see that the row and its arguments stay together. */
export function runAction<K extends keyof Actions>(
  executors: Executors,
  action: { readonly do: K } & Actions[K],
  context: ExecuteContext,
): Promise<Effect> {
  return executors[action.do](action, context);
}
