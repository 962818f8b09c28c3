// Edge: mounts what a container left behind, for as long as somebody looks at it.
import { spawn } from "node:child_process";
import { TallshipError } from "../../lib/errors.js";
import type { RootFs } from "../image/images.js";
import { shellWords } from "../launcher/shell-words.js";
import { mappableRoot, mappedRoot } from "../userns/mapped-mount.js";
import { inNewUserNamespace } from "../userns/namespace-script.js";
import type { IdRange } from "../userns/pod-ids.js";

/** A root file system that can be looked at. */
export interface OpenRoot {
  readonly path: string;
  /** Lets go of it. */
  readonly close: () => void;
}

/**
 * Opens the root of a container that does not run. It is mounted in a mount namespace that ends with a process of its own, and that ends with this agent: nothing stays mounted, and a start that comes
 * meanwhile finds its place free. With ids, it is mounted as it is for a run that has these: what needs no mount otherwise, as a snapshot, has none of them on the disk.
 */
export function openStoppedRoot(root: RootFs, ids: IdRange | undefined, signal: AbortSignal): Promise<OpenRoot> {
  const { path } = root;
  if (root.mount === undefined && ids === undefined) return Promise.resolve({ path, close: () => undefined });
  const mount = mappableRoot(root);
  const words = ["mount", "-t", mount.type, "-o", mount.options, mount.source, path];
  const mounting =
    ids === undefined ? shellWords(words) : inNewUserNamespace(ids, [], mappedRoot("/proc/$pid/ns/user", path, mount));
  const script = `${mounting} && echo mounted && exec cat >/dev/null`;
  const args = ["--mount", "--propagation", "private", "sh", "-c", script];
  const holder = spawn("unshare", args, { cwd: mount.cwd, stdio: ["pipe", "pipe", "pipe"] });
  const close = (): void => {
    signal.removeEventListener("abort", close);
    holder.stdin.end();
    holder.kill("SIGKILL");
  };
  signal.addEventListener("abort", close, { once: true });
  return new Promise((resolve, reject) => {
    let complaints = "";
    holder.stderr.on("data", (chunk: Buffer) => {
      complaints = `${complaints}${chunk.toString()}`.slice(0, 500);
    });
    holder.stdout.once("data", () => resolve({ path: `/proc/${holder.pid}/root${path}`, close }));
    holder.on("error", (cause) => reject(new TallshipError("kernel_failed", `copy: ${cause.message}`, { cause })));
    holder.on("close", () => {
      close();
      reject(new TallshipError("kernel_failed", `copy: the root cannot be mounted: ${complaints.trim()}`));
    });
  });
}
