import { metaOf } from "../../kinds/object.js";
import { everyContainer } from "../../kinds/pod-containers.js";
import { TallshipError } from "../../lib/errors.js";
import { AttachStart } from "../../proto/gen/tallship/v1/streams.js";
import { type Cluster, type ClusterFlags, withCluster } from "../cluster.js";
import { EXIT } from "../exit-codes.js";
import { containerOf, onePodOf } from "../pods/resolve.js";
import type { Shell } from "../shell.js";
import { readTarget } from "../targets.js";
import type { NamedContainer } from "./identity.js";
import { runSession, type SessionEnd } from "./session.js";
import { dockerState } from "./state.js";

/** How a container is joined. */
export interface Joining {
  readonly hasStdin: boolean;
  /** Begin with what it has written so far. */
  readonly isFromStart: boolean;
  readonly onInterrupt?: () => void;
}

/** What `attach` was asked. */
export interface AttachFlags extends ClusterFlags {
  readonly container: string | undefined;
  readonly stdin: boolean;
  readonly tty: boolean;
  readonly noStdin: boolean;
}

/** Joins a container that runs, as Docker does: input too when the container takes any. Ends with its exit code. */
export function runAttach(
  { flags, operands }: { readonly flags: AttachFlags; readonly operands: readonly string[] },
  shell: Shell,
): Promise<number> {
  const target = readTarget(operands, "Pod");
  return withCluster(shell, flags, async (cluster) => {
    const pod = await onePodOf(cluster, target, shell.signal);
    const found = { pod, container: containerOf(pod, flags.container) };
    refuseIdle(found);
    return exitOf(found, await joinContainer(cluster, shell, found, { hasStdin: !flags.noStdin, isFromStart: false }));
  });
}

/** What has ended says nothing more, and what is paused nothing for now; `logs` has what they wrote. */
function refuseIdle({ pod, container }: NamedContainer): void {
  const state = dockerState(pod, container);
  const { name } = metaOf(pod);
  if (state === "paused")
    throw new TallshipError("failed_precondition", `container ${name} is paused: unpause it before you attach`);
  if (state === "exited")
    throw new TallshipError("failed_precondition", `container ${name} is not running: start it before you attach`);
}

/** Connects the user's terminal or pipes to a container until it ends or the user leaves. */
export function joinContainer(
  cluster: Cluster,
  shell: Shell,
  found: NamedContainer,
  { hasStdin, isFromStart, onInterrupt }: Joining,
): Promise<SessionEnd> {
  const spec = everyContainer(found.pod).find(({ name }) => name === found.container);
  const isTerminal = spec?.tty === true && shell.stdin.isTerminal && hasStdin;
  const start = AttachStart.fromPartial({
    namespace: metaOf(found.pod).namespace,
    pod: metaOf(found.pod).name,
    container: found.container,
    stdin: hasStdin && spec?.stdin === true,
    size: isTerminal ? shell.terminal.size() : undefined,
    fromStart: isFromStart,
  });
  return runSession({
    shell,
    start: { $case: "attach", value: start },
    open: (inputs, signal) => cluster.streams.attach(inputs, { signal }),
    hasStdin: start.stdin,
    isTerminal,
    canDetach: isTerminal,
    ...(onInterrupt === undefined ? {} : { onInterrupt }),
  });
}

/** The exit code of the command that joined a container. */
export function exitOf({ pod }: NamedContainer, end: SessionEnd): number {
  if (end.is === "exit") return end.exitCode;
  if (end.is === "detached") return EXIT.ok;
  throw new TallshipError(
    "unavailable",
    `attach to ${metaOf(pod).name}: the stream ended before the container; its exit code is not known`,
  );
}
