import { AsyncQueue } from "../../lib/async-queue.js";
import { asTallshipError, TallshipError } from "../../lib/errors.js";
import { ExecInput, ExecStart } from "../../proto/gen/tallship/v1/streams.js";
import { type Cluster, type ClusterFlags, withCluster } from "../cluster.js";
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
  if (operands.length > 1 && call.rest === undefined)
    throw usageError("the command follows after --: tsctl exec POD -- COMMAND");
  if (rest.length === 0) throw usageError("name the command: tsctl exec POD -- COMMAND");
  const target = readTarget(operands, "Pod");
  const isTty = flags.tty && shell.stdin.isTerminal;
  if (flags.tty && !isTty && !flags.quiet)
    await shell.stderr.write("standard input is no terminal: the command gets none\n");
  return withCluster(shell, flags, async (cluster) => {
    const pod = await onePodOf(cluster, target, shell.signal);
    const start = ExecStart.fromPartial({
      namespace: pod.metadata?.namespace ?? "",
      pod: pod.metadata?.name ?? "",
      container: containerOf(pod, flags.container),
      command: [...rest],
      stdin: flags.stdin,
      tty: isTty,
      size: isTty ? shell.terminal.size() : undefined,
    });
    return new Session(shell, cluster, start).run();
  });
}

/** Inputs that wait to be sent; beyond that standard input is not read. */
const WAITING = 16;

/** One command that runs. */
class Session {
  private readonly shell: Shell;
  private readonly cluster: Cluster;
  private readonly start: ExecStart;
  private readonly inputs = new AsyncQueue<ExecInput>(1_024);
  private readonly over = new AbortController();
  private wake: (() => void) | undefined;

  constructor(shell: Shell, cluster: Cluster, start: ExecStart) {
    this.shell = shell;
    this.cluster = cluster;
    this.start = start;
  }

  async run(): Promise<number> {
    const { shell, start } = this;
    const stopResize = start.tty
      ? shell.terminal.onResize((size) => this.send({ $case: "resize", value: size }))
      : undefined;
    // With a terminal the command gets Ctrl-C as a key; without one the user's interrupt ends it.
    const interrupted = (): void => this.over.abort();
    shell.signal.addEventListener("abort", interrupted, { once: true });
    if (start.tty) shell.stdin.setRaw(true);
    try {
      this.send({ $case: "start", value: start });
      if (start.stdin) void this.pumpInput();
      return await this.pumpOutput();
    } finally {
      if (start.tty) shell.stdin.setRaw(false);
      stopResize?.();
      shell.signal.removeEventListener("abort", interrupted);
      this.over.abort();
      this.inputs.end();
    }
  }

  private send(part: NonNullable<ExecInput["part"]>): void {
    this.inputs.push(ExecInput.fromPartial({ part }));
  }

  private async *sent(): AsyncGenerator<ExecInput> {
    for await (const input of this.inputs) {
      yield input;
      this.wake?.();
    }
  }

  /** Reads on only while little waits to be sent, so that a slow command slows its input down. */
  private async pumpInput(): Promise<void> {
    try {
      for await (const chunk of this.shell.stdin.chunks(this.over.signal)) {
        this.send({ $case: "stdin", value: Buffer.from(chunk) });
        while (this.inputs.length > WAITING && !this.over.signal.aborted)
          await new Promise<void>((resolve) => {
            this.wake = resolve;
          });
      }
      this.send({ $case: "stdinClosed", value: true });
    } catch (error) {
      this.inputs.fail(asTallshipError(error));
    }
  }

  private async pumpOutput(): Promise<number> {
    let exitCode: number | undefined;
    for await (const { part } of this.cluster.streams.exec(this.sent(), { signal: this.over.signal })) {
      if (part?.$case === "stdout") await this.shell.stdout.write(part.value);
      else if (part?.$case === "stderr") await this.shell.stderr.write(part.value);
      else if (part?.$case === "exitCode") exitCode = part.value;
    }
    if (exitCode !== undefined) return exitCode;
    throw new TallshipError(
      "unavailable",
      `exec in pod "${this.start.pod}": the stream ended before the command; its exit code is lost`,
    );
  }
}
