import { TallshipError } from "../../lib/errors.js";
import { ExecStart } from "../../proto/gen/tallship/v1/streams.js";
import { type Cluster, type ClusterFlags, withCluster } from "../cluster.js";
import { runSession, type SessionEnd, type SessionOrder } from "../containers/session.js";
import { containerOf, onePodOf } from "../pods/resolve.js";
import type { Shell } from "../shell.js";
import { readTarget } from "../targets.js";
import { usageError } from "../verb.js";

/** What `exec` was asked. */
export interface ExecFlags extends ClusterFlags {
  readonly stdin: boolean;
  readonly tty: boolean;
  readonly container: string | undefined;
  readonly quiet: boolean;
  readonly user?: string | undefined;
  readonly workdir?: string | undefined;
  readonly env?: readonly string[];
  readonly detach?: boolean;
}

/** Runs the command and passes its output, its input and its exit code on. */
export async function runExec(
  call: {
    readonly flags: ExecFlags;
    readonly operands: readonly string[];
    readonly rest: readonly string[] | undefined;
  },
  shell: Shell,
): Promise<number> {
  const { flags, operands, rest = [] } = call;
  if (rest.length === 0) throw usageError("name the command: tsctl exec POD COMMAND");
  const target = readTarget(operands, "Pod");
  const isDetached = flags.detach === true;
  const isTty = flags.tty && shell.stdin.isTerminal && !isDetached;
  if (flags.tty && !isTty && !flags.quiet && !isDetached)
    await shell.stderr.write("standard input is no terminal: the command gets none\n");
  return withCluster(shell, flags, async (cluster) => {
    const pod = await onePodOf(cluster, target, shell.signal);
    const start = ExecStart.fromPartial({
      namespace: pod.metadata?.namespace ?? "",
      pod: pod.metadata?.name ?? "",
      container: containerOf(pod, flags.container),
      command: [...rest],
      user: flags.user ?? "",
      workingDir: flags.workdir ?? "",
      env: [...(flags.env ?? [])],
      stdin: flags.stdin && !isDetached,
      isDetached,
      tty: isTty,
      size: isTty ? shell.terminal.size() : undefined,
    });
    return ended(start, await runSession({ ...sessionOf(cluster, start), shell }));
  });
}

function sessionOf(cluster: Cluster, start: ExecStart): Omit<SessionOrder, "shell"> {
  return {
    start: { $case: "start", value: start },
    open: (inputs, signal) => cluster.streams.exec(inputs, { signal }),
    hasStdin: start.stdin,
    isTerminal: start.tty,
    canDetach: false,
  };
}

function ended({ pod }: ExecStart, end: SessionEnd): number {
  if (end.is === "exit") return end.exitCode;
  throw new TallshipError(
    "unavailable",
    `exec in pod "${pod}": the stream ended before the command; its exit code is lost`,
  );
}
