import { formatReference, type ImageReference, isDigest } from "../../kinds/image-reference.js";
import { hasCode, TallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import type { Log } from "../../lib/log.js";
import { Slots } from "../../lib/slots.js";
import { fetchBlob } from "./fetch-blob.js";
import type { RegistryCredentials } from "./images.js";
import type { LayerPolicy } from "./layer/layer-entry.js";
import { defaultLayerLimits } from "./layer/layer-limits.js";
import type { Unpacker } from "./layer/unpacker.js";
import { type Descriptor, type Manifest, parseConfig, parseManifest } from "./manifest.js";
import { endpointsFor, hostOf, type Mirrors } from "./mirrors.js";
import { type Platform, selectPlatform, shownPlatform, shownPlatforms } from "./platform.js";
import { firstAnswer, type PullEdges } from "./pull-edges.js";
import type { RegistryRequest } from "./registry/registry.js";
import { SharedTasks } from "./shared-tasks.js";
import type { ContentStore } from "./store/content-store.js";
import type { ImageRecord } from "./store/image-names.js";

/** What a puller works with. */
export interface PullerOptions extends PullEdges {
  readonly store: ContentStore;
  readonly unpacker: Unpacker;
  readonly mirrors: () => Mirrors;
  readonly platform: Platform;
  readonly policy: LayerPolicy;
  readonly log: Log;
}

/** One pull. */
export interface PullRequest {
  readonly reference: ImageReference;
  /** What the registry, or first the store, is asked by: a tag or a digest. */
  readonly key: string;
  readonly credentials: Readonly<Record<string, RegistryCredentials>>;
  readonly signal: AbortSignal;
  /** Digests that the image turned out to need: not to be pruned until the pull has ended. */
  readonly onContent: (digests: readonly string[]) => void;
  readonly onProgress: (bytesDone: number, bytesTotal: number) => void;
}

interface Found {
  readonly digest: string;
  readonly manifest: Manifest;
  /** The endpoints, that which gave the manifest first: the rest is probably there too, and others may be down. */
  readonly requests: readonly RegistryRequest[];
}

/**
 * Brings images into the store: manifest, config, then the layers, several at once. What is there already is not fetched, not
 * even asked for; equal layers of pulls at the same time are one. Ends with every layer unpacked, or an error and nothing named.
 */
export class Puller {
  private readonly options: PullerOptions;
  private readonly layers = new SharedTasks<void>();
  private readonly blobs = new SharedTasks<void>();

  constructor(options: PullerOptions) {
    this.options = options;
  }

  /** The digest that a tag has at the first endpoint that answers; undefined when that one does not say. */
  async digestOf(request: PullRequest): Promise<string | undefined> {
    const { registry } = this.options;
    const { value } = await firstAnswer(this.options, {
      what: formatReference(request.reference),
      requests: this.requestsFor(request),
      ask: (each) => registry.digestOf(each, request.key),
    });
    return value;
  }

  /** Pulls an image of the node's platform. */
  async pull(request: PullRequest): Promise<ImageRecord> {
    const what = formatReference(request.reference);
    const top = await this.manifest(what, this.requestsFor(request), request.key);
    const { requests } = top;
    const image = top.manifest.is === "index" ? await this.ofPlatform(what, requests, top.manifest) : top;
    if (image.manifest.is !== "image") throw new TallshipError("image_refused", `${what} is an index of indexes`);
    const { config, layers } = image.manifest;
    const blobs = [...new Set([top.digest, image.digest, config.digest, ...layers.map(({ digest }) => digest)])];
    request.onContent(blobs);
    const parsed = parseConfig(await this.config(requests, config, request.signal), layers.length, what);
    request.onContent(parsed.diffIds);
    this.checkPlatform(what, parsed.platform);
    await this.bringLayers(request, requests, layers, parsed.diffIds);
    return {
      digest: image.digest,
      indexDigest: top.manifest.is === "index" ? top.digest : undefined,
      config: parsed.config,
      diffIds: parsed.diffIds,
      blobs,
    };
  }

  private async manifest(what: string, requests: readonly RegistryRequest[], key: string): Promise<Found> {
    const { store, registry } = this.options;
    const known = isDigest(key) ? await store.readBlob(key) : undefined;
    if (known !== undefined) return { digest: key, manifest: parseManifest(known, what), requests };
    const { value, request } = await firstAnswer(this.options, {
      what,
      requests,
      ask: async (each) => {
        const answer = await registry.manifest(each, key);
        if (!isDigest(key) || answer.digest === key) return answer;
        const both = `manifest ${key} has the content of ${answer.digest}`;
        throw new TallshipError("image_digest_mismatch", `${each.endpoint.origin}: ${both}`);
      },
    });
    const manifest = parseManifest(value.bytes, what);
    await store.writeBlob(value.digest, value.bytes);
    return { digest: value.digest, manifest, requests: [request, ...requests.filter((each) => each !== request)] };
  }

  private ofPlatform(
    what: string,
    requests: readonly RegistryRequest[],
    index: Manifest & { is: "index" },
  ): Promise<Found> {
    const { platform } = this.options;
    const entry = selectPlatform(index.entries, platform);
    if (entry !== undefined) return this.manifest(what, requests, entry.digest);
    const offered = shownPlatforms(index.entries);
    throw new TallshipError("image_not_found", `${what} is not for ${shownPlatform(platform)} but for ${offered}`);
  }

  private checkPlatform(what: string, found: Platform): void {
    const { platform } = this.options;
    if (found.os === platform.os && found.architecture === platform.architecture) return;
    const both = `is for ${shownPlatform(found)}, this node is ${shownPlatform(platform)}`;
    throw new TallshipError("image_not_found", `${what} ${both}`);
  }

  private async config(
    requests: readonly RegistryRequest[],
    config: Descriptor,
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    const { store } = this.options;
    if (config.sizeBytes > limit("imageManifestBytes")) {
      throw new TallshipError("image_refused", `image config ${config.digest} has ${config.sizeBytes} bytes`);
    }
    const known = await store.readBlob(config.digest);
    if (known !== undefined) return known;
    await this.bringBlob(requests, config, signal, () => undefined);
    const fetched = await store.readBlob(config.digest);
    if (fetched !== undefined) return fetched;
    throw new TallshipError("disk_failed", `image config ${config.digest} cannot be read back`);
  }

  private async bringLayers(
    request: PullRequest,
    requests: readonly RegistryRequest[],
    layers: readonly Descriptor[],
    diffIds: readonly string[],
  ): Promise<void> {
    const { store } = this.options;
    const missing = layers.flatMap((layer, at) => {
      const diffId = diffIds[at] ?? "";
      return store.layer(diffId) === undefined ? [{ layer, diffId }] : [];
    });
    const bytesTotal = missing.reduce((sum, { layer }) => sum + layer.sizeBytes, 0);
    const bytesDone = new Map<string, number>();
    const slots = new Slots(limit("imageParallelLayers"));
    // The first layer that fails ends the others: none would be used.
    const abort = new AbortController();
    const signal = AbortSignal.any([request.signal, abort.signal]);
    const bring = async ({ layer, diffId }: { layer: Descriptor; diffId: string }): Promise<void> => {
      const onBytes = (count: number): void => {
        bytesDone.set(layer.digest, count);
        request.onProgress(
          [...bytesDone.values()].reduce((sum, each) => sum + each, 0),
          bytesTotal,
        );
      };
      await slots.run(signal, () => this.bringLayer(requests, layer, diffId, signal, onBytes));
    };
    const settled = await Promise.allSettled(
      missing.map((each) =>
        bring(each).catch((error: unknown) => {
          abort.abort();
          throw error;
        }),
      ),
    );
    const failures = settled.flatMap((each) => (each.status === "rejected" ? [each.reason] : []));
    const cause = failures.find((error) => !hasCode(error, "cancelled")) ?? failures[0];
    if (cause !== undefined) throw cause;
  }

  private bringLayer(
    requests: readonly RegistryRequest[],
    layer: Descriptor,
    diffId: string,
    signal: AbortSignal,
    onBytes: (count: number) => void,
  ): Promise<void> {
    return this.layers.join(`layer ${diffId}`, signal, async (shared) => {
      if (this.options.store.layer(diffId) !== undefined) return;
      await this.bringBlob(requests, layer, shared, onBytes);
      await this.unpack(layer, diffId, shared);
    });
  }

  private async bringBlob(
    requests: readonly RegistryRequest[],
    descriptor: Descriptor,
    signal: AbortSignal,
    onBytes: (count: number) => void,
  ): Promise<void> {
    const { store } = this.options;
    const { digest, sizeBytes } = descriptor;
    if (store.hasBlob(digest)) return;
    await this.blobs.join(`blob ${digest}`, signal, async (shared) => {
      const part = await store.openPart(digest, sizeBytes);
      const shareds = requests.map((each) => ({ ...each, signal: shared }));
      await fetchBlob(this.options, part, { descriptor, requests: shareds, onBytes });
      store.addBlob(digest);
    });
  }

  private async unpack(layer: Descriptor, diffId: string, signal: AbortSignal): Promise<void> {
    const { store, unpacker, policy } = this.options;
    const targetPath = store.stagingPath(diffId);
    const blobPath = store.blobPath(layer.digest);
    try {
      const limits = defaultLayerLimits();
      const unpacked = await unpacker.unpack({ blobPath, targetPath, diffId, limits, policy }, signal);
      await store.commitLayer(diffId, targetPath, unpacked);
    } catch (error) {
      // The blob was right when it came: the disk changed it, or the image lies. Either way it is of no use.
      if (hasCode(error, "image_digest_mismatch")) await store.dropBlob(layer.digest);
      throw error;
    }
  }

  private requestsFor({ reference, credentials, signal }: PullRequest): readonly RegistryRequest[] {
    return endpointsFor(this.options.mirrors(), reference.host).map((endpoint) => ({
      endpoint,
      repository: reference.repository,
      credentials: credentials[hostOf(endpoint)],
      signal,
    }));
  }
}
