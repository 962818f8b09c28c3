import { metaOf } from "../../kinds/object.js";
import { asTallshipError, hasCode, type TallshipError } from "../../lib/errors.js";
import { LeftOut } from "../../lib/rooted/left-out.js";
import { CopyStart, ExecInput } from "../../proto/gen/tallship/v1/streams.js";
import { type Cluster, type ClusterFlags, withCluster } from "../cluster.js";
import { EXIT } from "../exit-codes.js";
import { containerOf } from "../pods/resolve.js";
import type { Shell } from "../shell.js";
import { usageError } from "../verb.js";
import { findContainer } from "./find.js";
import type { NamedContainer } from "./identity.js";
import { receiveArchive, warnLines } from "./receive-archive.js";

/** What `cp` was asked. */
export interface CopyFlags extends ClusterFlags {
  readonly container: string | undefined;
  readonly archive: boolean;
  readonly followLink: boolean;
  readonly quiet: boolean;
}

/** One end of a copy: here, or in a container. */
type End =
  | { readonly is: "here"; readonly path: string }
  | { readonly is: "there"; readonly name: string; readonly path: string };

/** Copies between here and a container as docker cp does; - stands for a tar archive on standard input or output. */
export function runCopy(
  { flags, operands }: { readonly flags: CopyFlags; readonly operands: readonly string[] },
  shell: Shell,
): Promise<number> {
  const [from, to, ...others] = operands.map(readEnd);
  if (from === undefined || to === undefined || others.length > 0)
    throw usageError("name two places: cp NAME:PATH PATH, or cp PATH NAME:PATH");
  if (from.is === to.is)
    throw usageError(
      from.is === "here"
        ? "one place must be in a container: NAME:PATH"
        : "copying between containers is not supported: copy here first",
    );
  return withCluster(shell, flags, async (cluster) => {
    const copy = new Copy(cluster, shell, flags);
    if (from.is === "there") await copy.out(from, to.path);
    else if (to.is === "there") await copy.into(from.path, to);
    return EXIT.ok;
  });
}

/** NAME:PATH is in a container; a path that starts with / or . is here, whatever follows. */
export function readEnd(text: string): End {
  const colon = text.indexOf(":");
  if (colon < 1 || /^[./]/.test(text)) return { is: "here", path: text };
  return { is: "there", name: text.slice(0, colon), path: text.slice(colon + 1) || "/" };
}

class Copy {
  readonly cluster: Cluster;
  readonly shell: Shell;
  private readonly flags: CopyFlags;

  constructor(cluster: Cluster, shell: Shell, flags: CopyFlags) {
    this.cluster = cluster;
    this.shell = shell;
    this.flags = flags;
  }

  async out({ name, path }: { readonly name: string; readonly path: string }, to: string): Promise<void> {
    const { shell, flags } = this;
    const start = await this.start(name, { path, followsLink: flags.followLink });
    const archive = receiveArchive(this, [start]);
    if (to === "-") {
      for await (const bytes of archive) await shell.stdout.write(bytes);
      return;
    }
    const left = new LeftOut();
    await shell.archives.unpack(to, archive, { keepsOwners: flags.archive, onLeftOut: left.note });
    await warnLines(shell, left.text);
    await this.tell(`copied ${name}:${path} to ${to}`);
  }

  async into(path: string, { name, path: to }: { readonly name: string; readonly path: string }): Promise<void> {
    const { shell, flags } = this;
    const isAsIs = path === "-";
    const start = await this.start(name, { path: to, isInto: true, isAsIs, keepsOwners: flags.archive });
    const left = new LeftOut();
    const how = { followsLink: flags.followLink, onLeftOut: left.note };
    const archive = isAsIs ? shell.stdin.chunks(shell.signal) : shell.archives.pack(path, how);
    let failure: TallshipError | undefined;
    async function* inputs(): AsyncGenerator<ExecInput> {
      yield start;
      try {
        for await (const bytes of archive)
          yield ExecInput.fromPartial({ part: { $case: "stdin", value: Buffer.from(bytes) } });
        yield ExecInput.fromPartial({ part: { $case: "stdinClosed", value: true } });
      } catch (error) {
        // What cannot be read here is the failure to tell, not the archive that is cut short by it.
        failure = asTallshipError(error, "disk_failed");
      }
    }
    try {
      for await (const _ of receiveArchive(this, inputs()));
    } catch (error) {
      throw failure ?? error;
    }
    if (failure !== undefined) throw failure;
    await warnLines(shell, left.text);
    await this.tell(`copied ${path} to ${name}:${to}`);
  }

  private async start(name: string, part: Partial<CopyStart>): Promise<ExecInput> {
    const { pod, container } = await this.found(name);
    const { namespace, name: podName } = metaOf(pod);
    const own = this.flags.container === undefined ? container : containerOf(pod, this.flags.container);
    const value = CopyStart.fromPartial({ namespace, pod: podName, container: own, ...part });
    return ExecInput.fromPartial({ part: { $case: "copy", value } });
  }

  /** POD/CONTAINER first, as with every verb; else kubectl's NAMESPACE/POD. */
  private async found(name: string): Promise<NamedContainer> {
    const { cluster, shell } = this;
    try {
      return await findContainer(cluster, name, shell.signal);
    } catch (error) {
      const [namespace = "", pod, ...more] = name.split("/");
      if (!hasCode(error, "not_found") || pod === undefined || more.length > 0) throw error;
      return await findContainer({ ...cluster, namespace }, pod, shell.signal).catch((second: unknown) => {
        throw hasCode(second, "not_found") ? error : second;
      });
    }
  }

  private async tell(sentence: string): Promise<void> {
    if (!this.flags.quiet && this.shell.stderr.isTerminal) await this.shell.stderr.write(`${sentence}\n`);
  }
}
