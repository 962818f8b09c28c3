// Edge: looks at what containers have made of their images' files.
import { setImmediate as nextTurn } from "node:timers/promises";
import { formatReference, parseReference } from "../../kinds/image-reference.js";
import { everyContainer } from "../../kinds/pod-containers.js";
import { TallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import { type PackOrder, packTree } from "../../lib/rooted/pack-tree.js";
import { type TreeChange, treeChanges } from "../../lib/rooted/tree-changes.js";
import { entryPath, tarEntry } from "../../lib/tar/entry.js";
import { tarHeader } from "../../lib/tar/tar-writer.js";
import type { Container } from "../../proto/gen/tallship/v1/container.js";
import type { ComparableRoot, Images, LocalImage, RootFs, RootFsDriver } from "../image/images.js";
import type { PodLoop } from "../pod-loop.js";
import { containerRecord } from "../pod-record.js";
import { rootIdOf } from "../root-id.js";
import type { IdRange } from "../userns/pod-ids.js";
import { type OpenRoot, openStoppedRoot } from "./stopped-root.js";

/** What looking at containers' own files takes. */
export interface OwnRootParts {
  readonly loop: Pick<PodLoop, "get">;
  readonly images: Pick<Images, "lookup">;
  readonly rootfs: Pick<RootFsDriver, "compare">;
  readonly idsOf: (podUid: string) => IdRange | undefined;
}

/** What runtimes put into every root: nothing that a container has written. */
const STUBS: ReadonlySet<string> = new Set(["dev", "proc", "sys", "etc/hosts", "etc/hostname", "etc/resolv.conf"]);

/** Folders that are compared before others have their turn. */
const FOLDERS_PER_TURN = 50;

/**
 * The files of a container that are not a volume's: those of its image and what it has made of them, whether it runs or not. They are read from the disk, beside the container: it is neither held up nor can it lead out. Throws
 * failed_precondition when the node has none of it.
 */
export async function ownRoot(parts: OwnRootParts, podUid: string, name: string): Promise<OwnRoot> {
  const entry = parts.loop.get(podUid);
  const container = entry?.desired && everyContainer(entry.desired).find((each) => each.name === name);
  if (entry?.desired === undefined || container === undefined)
    throw new TallshipError("not_found", `container ${name} of pod ${podUid} is not on this node`);
  const { attempt, imageDigest } = containerRecord(entry.record, name);
  const image = imageDigest === "" ? undefined : parts.images.lookup(requestFor(container, imageDigest));
  const root =
    image && (await parts.rootfs.compare(rootIdOf({ podUid, container: name, attempt }, entry.desired), image));
  if (image === undefined || root === undefined)
    throw new TallshipError("failed_precondition", `container ${name} has no files on this node: it does not run`);
  return new OwnRoot({ root, image, container, ids: parts.idsOf(podUid) });
}

function requestFor({ image }: Container, digest: string) {
  const reference = formatReference({ ...parseReference(image), tag: undefined, digest });
  return { reference, policy: "IfNotPresent", credentials: {} } as const;
}

interface Found {
  readonly root: ComparableRoot;
  readonly image: LocalImage;
  readonly container: Container;
  readonly ids: IdRange | undefined;
}

/** A container's own files. */
export class OwnRoot {
  /** The image that they stand on. */
  readonly image: LocalImage;
  readonly container: Container;
  private readonly root: ComparableRoot;
  private readonly ids: IdRange | undefined;

  constructor({ root, image, container, ids }: Found) {
    this.root = root;
    this.image = image;
    this.container = container;
    this.ids = ids;
  }

  /** What differs from the image, in order of path. */
  async *changes(signal: AbortSignal): AsyncGenerator<TreeChange> {
    const { root, ids } = this;
    const [now, before] = await openAll([root.now, root.before], signal);
    const mounts = new Set([...STUBS, ...this.container.volumeMounts.map(({ mountPath }) => belowRoot(mountPath))]);
    const leavesOut = (path: string): boolean => mounts.has(path);
    let turns = 0;
    try {
      const order = { root: now?.path ?? "", base: before?.path ?? "", written: root.written, ids, leavesOut };
      for (const change of treeChanges(order)) {
        if (signal.aborted) return;
        if (change !== undefined) yield change;
        else if (++turns % FOLDERS_PER_TURN === 0) await nextTurn();
      }
    } finally {
      for (const opened of [now, before]) opened?.close();
    }
  }

  /** All of them, or those that are chosen, as a tar archive. */
  async *archive(signal: AbortSignal, how: Pick<PackOrder, "choose" | "onLeftOut"> = {}): AsyncGenerator<Buffer> {
    const now = await openStoppedRoot(this.root.now, undefined, signal);
    try {
      for (const bytes of packTree({
        ...{ root: now.path, path: "/", followsLink: false, isBare: true, ids: this.ids },
        ...how,
      })) {
        if (signal.aborted) return;
        yield bytes;
      }
    } finally {
      now.close();
    }
  }

  /** What differs from the image as a layer of an image: a tar archive in which what was deleted is a whiteout. */
  async *layer(signal: AbortSignal): AsyncGenerator<Buffer> {
    const kept = new Set<string>();
    for await (const { path, is } of this.changes(signal)) {
      if (is === "deleted") yield tarHeader(tarEntry(path.replace(/[^/]*$/, ".wh.$&"), "file", { mode: 0o600 }));
      else kept.add(path);
      if (kept.size > limit("imageLayerEntries"))
        throw new TallshipError(
          "too_large",
          `commit: more than ${limit("imageLayerEntries")} files differ from the image`,
        );
    }
    yield* this.archive(signal, { choose: (path) => (kept.has(path) ? "keep" : "drop") });
  }
}

/** A path of a container as an archive has it. */
function belowRoot(path: string): string {
  return entryPath(path)
    .split("/")
    .filter((name) => name !== "")
    .join("/");
}

/** All of them or none: what was opened beside one that cannot be is let go of. */
async function openAll(roots: readonly RootFs[], signal: AbortSignal): Promise<readonly OpenRoot[]> {
  const tried = await Promise.allSettled(roots.map((root) => openStoppedRoot(root, undefined, signal)));
  const failed = tried.find((each) => each.status === "rejected");
  const opened = tried.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
  if (failed === undefined) return opened;
  for (const each of opened) each.close();
  throw failed.reason;
}
