import {
  formatReference,
  type ImageReference,
  keptName,
  manifestKey,
  parseReference,
} from "../../kinds/image-reference.js";
import { type Cancel, rfc3339 } from "../../lib/clock.js";
import { assert, asTallshipError, hasCode, TallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import { Slots } from "../../lib/slots.js";
import type { ImageSpec } from "../../proto/gen/tallship/v1/image.js";
import type { HeldName } from "../../proto/gen/tallship/v1/session.js";
import { exportArchive } from "./archive/export-archive.js";
import { type ImportedImage, type ImportParts, importArchive } from "./archive/import-archive.js";
import { layOut } from "./archive/lay-out.js";
import { makeImage } from "./archive/make-image.js";
import { asDiskError } from "./disk-errors.js";
import type { ImageMetrics } from "./image-metrics.js";
import { imageSpecOf } from "./image-spec.js";
import type {
  ImageLibrary,
  ImageRequest,
  Images,
  LoadedImage,
  LoadOptions,
  LocalImage,
  MakeOrder,
  NamedSpec,
  PullProgress,
  RootFsDriver,
  UnusedWish,
} from "./images.js";
import { Puller, type PullerOptions, type PullRequest } from "./puller.js";
import { SharedTasks } from "./shared-tasks.js";
import type { ImageNames, ImageRecord } from "./store/image-names.js";
import { type InUse, type KeptImage, unusedImages } from "./unused-images.js";

/** What the node's images are made of. */
export interface NodeImagesOptions extends PullerOptions {
  readonly names: ImageNames;
  readonly rootFs: RootFsDriver;
  readonly metrics: ImageMetrics;
}

type Listener = (progress: PullProgress) => void;

/** Images of one node, over a content store and a registry. Call `close` to stop its timer. */
export class NodeImages implements Images, ImageLibrary {
  private readonly options: NodeImagesOptions;
  private readonly puller: Puller;
  private readonly pulls = new SharedTasks<ImageRecord>();
  private readonly slots = new Slots(limit("imageParallelPulls"));
  private readonly listeners = new Map<string, Set<Listener>>();
  /** Content of pulls that run: it has no name yet and must not be pruned. */
  private readonly pinned = new Set<ReadonlySet<string>>();
  /** When images were last asked for, by digest; what was not since the start is the oldest. */
  private readonly usedAtMs = new Map<string, number>();
  private cancelFlush: Cancel | undefined;

  constructor(options: NodeImagesOptions) {
    this.options = options;
    this.puller = new Puller(options);
  }

  lookup(request: ImageRequest): LocalImage | undefined {
    if (request.policy === "Always") return undefined;
    const reference = parseReference(request.reference);
    const record = this.recordOf(reference);
    if (record === undefined || !this.isComplete(record, request)) return undefined;
    return this.local(request.reference, record);
  }

  async ensure(
    request: ImageRequest,
    options: { readonly signal: AbortSignal; readonly onProgress?: Listener },
  ): Promise<LocalImage> {
    const present = this.lookup(request);
    if (present !== undefined) return present;
    const reference = parseReference(request.reference);
    if (request.policy === "Never") {
      const why = "is not on this node and its pull policy is Never";
      throw new TallshipError("image_not_found", `image ${request.reference} ${why}`);
    }
    const key = JSON.stringify([
      keptName(reference),
      request.policy,
      request.isOwn === true,
      request.isWhole === true,
      Object.entries(request.credentials).sort(),
    ]);
    const { onProgress = () => undefined } = options;
    const listeners = this.listeners.get(key) ?? new Set();
    this.listeners.set(key, listeners.add(onProgress));
    try {
      const record = await this.pulls.join(key, options.signal, (signal) =>
        this.slots.run(signal, () => this.pulled(request, reference, signal, (progress) => this.tell(key, progress))),
      );
      return this.local(request.reference, record);
    } finally {
      listeners.delete(onProgress);
      if (listeners.size === 0) this.listeners.delete(key);
    }
  }

  load(archive: AsyncIterable<Uint8Array>, options: LoadOptions): Promise<readonly LoadedImage[]> {
    return this.takingIn((parts) => importArchive(parts, archive, options));
  }

  async make(order: MakeOrder, options: LoadOptions): Promise<LoadedImage> {
    const createdAt = rfc3339(this.options.clock.nowMs());
    const [made] = await this.takingIn(async (parts) => [await makeImage(parts, { ...order, createdAt }, options)]);
    assert(made !== undefined, "what makes an image gives one");
    return made;
  }

  private async takingIn(
    work: (parts: ImportParts) => Promise<readonly ImportedImage[]>,
  ): Promise<readonly LoadedImage[]> {
    const { store, names, platform, log } = this.options;
    const pin = new Set<string>();
    this.pinned.add(pin);
    try {
      const unpack = (request: PullRequest): Promise<ImageRecord> => this.puller.pull(request);
      const loaded = await work({ store, names, platform, unpack, pin });
      log.info("images taken in", { images: loaded.flatMap((each) => each.names).join(" ") });
      this.flushLater();
      return await Promise.all(
        loaded.map(async (each) => ({ names: each.names, spec: await imageSpecOf(store, each.record.digest) })),
      );
    } catch (error) {
      throw asDiskError(error);
    } finally {
      this.pinned.delete(pin);
    }
  }

  async fetch({ name, spec }: NamedSpec, { signal, onProgress }: Omit<LoadOptions, "names">): Promise<void> {
    const reference = formatReference({ ...parseReference(name), digest: spec.digest });
    const tell = ({ bytesDone, bytesTotal }: PullProgress): void => onProgress("fetching", bytesDone, bytesTotal);
    const request: ImageRequest = { reference, policy: "IfNotPresent", credentials: {}, isOwn: true, isWhole: true };
    await this.ensure(request, { signal, onProgress: tell });
  }

  save(images: readonly NamedSpec[]): AsyncIterable<Uint8Array> {
    return exportArchive(this.options.store, images);
  }

  specOf(digest: string): Promise<ImageSpec> {
    return imageSpecOf(this.options.store, digest);
  }

  async read(digest: string): Promise<Uint8Array> {
    const bytes = await this.options.store.readBlob(digest);
    if (bytes !== undefined) return bytes;
    throw new TallshipError("not_found", `${digest} is not on this node`);
  }

  async dropUnused({ all, names, bytes }: UnusedWish, inUse: InUse): Promise<number> {
    const unused = unusedImages(this.kept(), inUse);
    const gone = new Set(names.flatMap((name) => this.options.names.get(name)?.digest ?? []));
    // An image that is known by its digest alone had a name once, or a pod.
    const isDoomed = ({ name, digest }: KeptImage): boolean => all || name.includes("@") || gone.has(digest);
    for (const { name } of unused.filter(isDoomed)) await this.options.names.delete(name);
    let freed = await this.prune();
    const oldest = this.options.clock.monotonicMs() - limit("imageCollectMinAgeMs");
    for (const { name } of bytes === undefined ? [] : unused.filter(({ usedAtMs }) => usedAtMs < oldest)) {
      if (freed >= (bytes ?? 0)) break;
      await this.options.names.delete(name);
      freed += await this.prune();
    }
    return freed;
  }

  private kept(): readonly KeptImage[] {
    return this.options.names.entries().map(([name, { digest }]) => {
      return { name, digest, usedAtMs: this.usedAtMs.get(digest) ?? 0 };
    });
  }

  layOut(digest: string, folder: string): Promise<void> {
    return layOut(this.options.store, digest, folder);
  }

  digests(): readonly string[] {
    return this.options.store.blobDigests();
  }

  digestOf(reference: string): string | undefined {
    try {
      return this.recordOf(parseReference(reference))?.digest;
    } catch (error) {
      if (hasCode(error, "invalid_argument")) return undefined;
      throw error;
    }
  }

  named(): readonly HeldName[] {
    const found = new Map<string, number>();
    for (const [name, record] of this.options.names.entries())
      if (this.isComplete(record)) for (const each of namesFor(name, record)) found.set(each, record.sizeBytes);
    return [...found].map(([name, sizeBytes]) => ({ name, sizeBytes }));
  }

  onContent(listener: () => void): void {
    this.options.store.listen(listener);
    this.options.names.listen(listener);
  }

  list(): readonly LocalImage[] {
    const complete = this.options.names.entries().filter(([, record]) => this.isComplete(record));
    return complete.map(([name, record]) => this.local(name, record));
  }

  async remove(reference: string): Promise<void> {
    await this.options.names.delete(keptName(parseReference(reference)));
  }

  async prune(): Promise<number> {
    const { names, store, rootFs } = this.options;
    const inUse = new Set(await rootFs.layersInUse());
    const records = names.entries().map(([, record]) => record);
    const pinned = [...this.pinned].flatMap((digests) => [...digests]);
    const ofContainers = store.layerDigests().filter((diffId) => inUse.has(store.layerPath(diffId)));
    const freed = await store.prune({
      blobs: new Set([...records.flatMap(({ blobs }) => blobs), ...pinned]),
      diffIds: new Set([...records.flatMap(({ diffIds }) => diffIds), ...pinned, ...ofContainers]),
    });
    await rootFs.prune();
    return freed;
  }

  /** Stops what would still happen by itself. */
  close(): void {
    this.cancelFlush?.();
    this.cancelFlush = undefined;
  }

  private async pulled(
    request: ImageRequest,
    reference: ImageReference,
    signal: AbortSignal,
    tell: (progress: PullProgress) => void,
  ): Promise<ImageRecord> {
    const { clock, metrics, log } = this.options;
    const startedMs = clock.monotonicMs();
    const pin = new Set<string>();
    this.pinned.add(pin);
    let bytes = 0;
    const elapsedS = (): number => (clock.monotonicMs() - startedMs) / 1_000;
    try {
      const record = await this.current(request, reference, {
        reference,
        key: manifestKey(reference),
        credentials: request.credentials,
        isOwn: request.isOwn === true,
        isWhole: request.isWhole === true,
        signal,
        onContent: (digests) => {
          for (const digest of digests) pin.add(digest);
        },
        onProgress: (progress) => {
          bytes = progress.bytesDone;
          tell({ reference: request.reference, ...progress });
        },
      });
      await this.options.names.set(keptName(reference), record);
      metrics.pulled(elapsedS(), bytes);
      log.info("image pulled", { image: request.reference, digest: record.digest, bytes, tookS: elapsedS() });
      this.flushLater();
      return record;
    } catch (caught) {
      const error = asDiskError(caught);
      metrics.failed(error.code);
      throw error;
    } finally {
      this.pinned.delete(pin);
    }
  }

  /** The image that the reference names now: what is known when that still holds, else pulled. */
  private async current(request: ImageRequest, reference: ImageReference, pull: PullRequest): Promise<ImageRecord> {
    const known = this.recordOf(reference);
    if (known === undefined) return this.puller.pull(pull);
    // A layer was lost, in a power cut: the same image again, which its manifest on disk describes.
    if (request.policy !== "Always") return this.puller.pull({ ...pull, key: known.digest });
    if (!this.isComplete(known, request)) return this.puller.pull(pull);
    const digest = reference.digest ?? (await this.puller.digestOf(pull));
    return digest === known.digest || digest === known.indexDigest ? known : this.puller.pull(pull);
  }

  /** By name; a digest is found under any tag of its repository too. */
  private recordOf(reference: ImageReference): ImageRecord | undefined {
    const { names } = this.options;
    const named = names.get(keptName(reference));
    if (named !== undefined || reference.digest === undefined) return named;
    const repository = formatReference({ ...reference, tag: undefined, digest: undefined });
    const isSame = ([name, { digest, indexDigest }]: readonly [string, ImageRecord]): boolean =>
      (name.startsWith(`${repository}:`) || name.startsWith(`${repository}@`)) &&
      (digest === reference.digest || indexDigest === reference.digest);
    return names.entries().find(isSame)?.[1];
  }

  private isComplete({ diffIds, blobs }: ImageRecord, { isWhole }: Pick<ImageRequest, "isWhole"> = {}): boolean {
    const { store } = this.options;
    if (isWhole === true && !blobs.every((digest) => store.hasBlob(digest))) return false;
    return diffIds.every((diffId) => store.layer(diffId) !== undefined);
  }

  private local(reference: string, record: ImageRecord): LocalImage {
    const { store, clock } = this.options;
    this.usedAtMs.set(record.digest, clock.monotonicMs());
    // A layer that an image has twice counts where it is topmost: overlayfs refuses it twice, and it hides itself anyway.
    const topmostFirst = [...new Set([...record.diffIds].reverse())];
    // Overlayfs looks for opaque folders everywhere but at the root.
    const bottom = topmostFirst.findIndex((diffId) => store.layer(diffId)?.opaque.includes("") === true);
    const seen = bottom === -1 ? topmostFirst : topmostFirst.slice(0, bottom + 1);
    const layerPaths = seen.map((diffId) => store.layerPath(diffId));
    const { digest, indexDigest, config } = record;
    return { reference, digest, ...(indexDigest === undefined ? {} : { indexDigest }), config, layerPaths };
  }

  private tell(key: string, progress: PullProgress): void {
    for (const listener of this.listeners.get(key) ?? []) listener(progress);
  }

  /** Flushes new layers to disk some time after a pull, for all pulls until then at once. */
  private flushLater(): void {
    const { store, clock } = this.options;
    if (this.cancelFlush !== undefined || store.volatileLayers().length === 0) return;
    this.cancelFlush = clock.after(limit("imageFlushDelayMs"), () => {
      this.cancelFlush = undefined;
      void this.flush();
    });
  }

  private async flush(): Promise<void> {
    const { store, unpacker, log } = this.options;
    const volatile = store.volatileLayers();
    try {
      await unpacker.flush(store.folder, new AbortController().signal);
      await store.markDurable(volatile);
    } catch (error) {
      // The layers are whole; only a power cut would take them. The next pull tries again.
      log.warn("layers could not be flushed to disk", { error: asTallshipError(error).message });
    }
  }
}

/** What pods may call an image by: the name that it is kept by, and its digest, or that of the index that led to it. */
function namesFor(name: string, { digest, indexDigest }: ImageRecord): readonly string[] {
  const reference = parseReference(name);
  const digests = indexDigest === undefined ? [digest] : [digest, indexDigest];
  return [name, ...digests.map((each) => keptName({ ...reference, digest: each }))];
}
