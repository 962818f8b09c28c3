import { formatReference, type ImageReference, isDigest } from "../../kinds/image-reference.js";
import type { RegistryCredentials } from "../../kinds/registry-credentials.js";
import { hasCode, TallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import type { Log } from "../../lib/log.js";
import { Slots } from "../../lib/slots.js";
import type { ContentOrigin, Fabric } from "./fabric/fabric.js";
import { fetchBlob } from "./fetch-blob.js";
import type { PullProgress } from "./images.js";
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
  /** Content from other nodes; absent: every blob comes from a registry. */
  readonly fabric?: Fabric | undefined;
}

/** One pull. */
export interface PullRequest {
  readonly reference: ImageReference;
  /** What the registry, or first the store, is asked by: a tag or a digest. */
  readonly key: string;
  readonly credentials: Readonly<Record<string, RegistryCredentials>>;
  /** The image is the cluster's own: no registry is asked. */
  readonly isOwn: boolean;
  /** Packed layers are brought though their content is unpacked already. */
  readonly isWhole: boolean;
  readonly signal: AbortSignal;
  /** Digests that the image turned out to need: not to be pruned until the pull has ended. */
  readonly onContent: (digests: readonly string[]) => void;
  readonly onProgress: (progress: Omit<PullProgress, "reference">) => void;
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
    const top = await this.manifest(what, this.requestsFor(request), request);
    const { requests } = top;
    const image = top.manifest.is === "index" ? await this.ofPlatform(what, top, request) : top;
    if (image.manifest.is !== "image") throw new TallshipError("image_refused", `${what} is an index of indexes`);
    const { config, layers } = image.manifest;
    const blobs = [...new Set([top.digest, image.digest, config.digest, ...layers.map(({ digest }) => digest)])];
    request.onContent(blobs);
    const origin = { ...originOf(request, image.digest), requests };
    await this.showManifest(image.digest);
    const parsed = parseConfig(await this.config(origin, config, request.signal), layers.length, what);
    request.onContent(parsed.diffIds);
    this.checkPlatform(what, parsed.platform);
    await this.bringLayers(request, origin, layers, parsed.diffIds);
    return {
      digest: image.digest,
      indexDigest: top.manifest.is === "index" ? top.digest : undefined,
      config: parsed.config,
      diffIds: parsed.diffIds,
      blobs,
      sizeBytes: [config, ...layers].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    };
  }

  private async manifest(
    what: string,
    requests: readonly RegistryRequest[],
    request: Pick<PullRequest, "key" | "isOwn" | "reference" | "signal">,
  ): Promise<Found> {
    const { store, registry } = this.options;
    const { key } = request;
    const known = isDigest(key) ? ((await store.readBlob(key)) ?? (await this.ownManifest(request))) : undefined;
    if (known !== undefined) return { digest: key, manifest: parseManifest(known, what), requests };
    const { value, request: answered } = await firstAnswer(this.options, {
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
    return { digest: value.digest, manifest, requests: [answered, ...requests.filter((each) => each !== answered)] };
  }

  /** The manifest of an image that no registry is asked for. */
  private async ownManifest(
    request: Pick<PullRequest, "key" | "isOwn" | "reference" | "signal">,
  ): Promise<Uint8Array | undefined> {
    const { fabric } = this.options;
    if (!request.isOwn || fabric === undefined) return undefined;
    return fabric.bringSmall(request.key, { ...originOf(request, request.key), requests: [] }, request.signal);
  }

  /** Lets the leader know what the image consists of. */
  private async showManifest(digest: string): Promise<void> {
    const { fabric, store } = this.options;
    const bytes = fabric === undefined ? undefined : await store.readBlob(digest);
    if (bytes !== undefined) fabric?.note(bytes);
  }

  private ofPlatform(what: string, { manifest, requests }: Found, request: PullRequest): Promise<Found> {
    const { platform } = this.options;
    const entries = manifest.is === "index" ? manifest.entries : [];
    const entry = selectPlatform(entries, platform);
    if (entry !== undefined) return this.manifest(what, requests, { ...request, key: entry.digest });
    const offered = shownPlatforms(entries);
    throw new TallshipError("image_not_found", `${what} is not for ${shownPlatform(platform)} but for ${offered}`);
  }

  private checkPlatform(what: string, found: Platform): void {
    const { platform } = this.options;
    if (found.os === platform.os && found.architecture === platform.architecture) return;
    const both = `is for ${shownPlatform(found)}, this node is ${shownPlatform(platform)}`;
    throw new TallshipError("image_not_found", `${what} ${both}`);
  }

  private async config(origin: ContentOrigin, config: Descriptor, signal: AbortSignal): Promise<Uint8Array> {
    const { store } = this.options;
    if (config.sizeBytes > limit("imageManifestBytes")) {
      throw new TallshipError("image_refused", `image config ${config.digest} has ${config.sizeBytes} bytes`);
    }
    const known = await store.readBlob(config.digest);
    if (known !== undefined) return known;
    await this.bringBlob(origin, config, signal, () => undefined);
    const fetched = await store.readBlob(config.digest);
    if (fetched !== undefined) return fetched;
    throw new TallshipError("disk_failed", `image config ${config.digest} cannot be read back`);
  }

  private async bringLayers(
    request: PullRequest,
    origin: ContentOrigin,
    layers: readonly Descriptor[],
    diffIds: readonly string[],
  ): Promise<void> {
    const { store } = this.options;
    const missing = layers.flatMap((layer, at) => {
      const diffId = diffIds[at] ?? "";
      const isHere = store.layer(diffId) !== undefined && (!request.isWhole || store.hasBlob(layer.digest));
      return isHere ? [] : [{ layer, diffId }];
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
        const layersNow = missing.flatMap((each) => {
          const done = bytesDone.get(each.layer.digest) ?? 0;
          const isOnItsWay = done > 0 && done < each.layer.sizeBytes;
          return isOnItsWay ? [{ digest: each.layer.digest, bytesDone: done, bytesTotal: each.layer.sizeBytes }] : [];
        });
        const sum = [...bytesDone.values()].reduce((total, each) => total + each, 0);
        request.onProgress({ bytesDone: sum, bytesTotal, layers: layersNow });
      };
      await slots.run(signal, async () => {
        await this.bringLayer(origin, layer, diffId, signal, onBytes);
        if (request.isWhole) await this.bringBlob(origin, layer, signal, onBytes);
      });
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
    origin: ContentOrigin,
    layer: Descriptor,
    diffId: string,
    signal: AbortSignal,
    onBytes: (count: number) => void,
  ): Promise<void> {
    return this.layers.join(`layer ${diffId}`, signal, async (shared) => {
      if (this.options.store.layer(diffId) !== undefined) return;
      await this.bringBlob(origin, layer, shared, onBytes);
      await this.unpack(layer, diffId, shared);
    });
  }

  private async bringBlob(
    origin: ContentOrigin,
    descriptor: Descriptor,
    signal: AbortSignal,
    onBytes: (count: number) => void,
  ): Promise<void> {
    const { store } = this.options;
    const { digest, sizeBytes } = descriptor;
    if (store.hasBlob(digest)) return;
    await this.blobs.join(`blob ${digest}`, signal, async (shared) => {
      const shareds = origin.requests.map((each) => ({ ...each, signal: shared }));
      const bringing = { digest, sizeBytes, origin: { ...origin, requests: shareds }, signal: shared, onBytes };
      if (isForFabric(descriptor, origin) && (await this.options.fabric?.bring(bringing)) === true) return;
      const part = await store.openPart(digest, sizeBytes);
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

  private requestsFor({ reference, credentials, signal, isOwn }: PullRequest): readonly RegistryRequest[] {
    if (isOwn) return [];
    return endpointsFor(this.options.mirrors(), reference.host).map((endpoint) => ({
      endpoint,
      repository: reference.repository,
      credentials: credentials[hostOf(endpoint)],
      signal,
    }));
  }
}

function originOf({ reference }: Pick<PullRequest, "reference">, manifest: string): Omit<ContentOrigin, "requests"> {
  return { repository: formatReference({ ...reference, tag: undefined, digest: undefined }), manifest };
}

/** Asking who has it costs more than a small blob of a registry does. */
function isForFabric({ sizeBytes }: Descriptor, { requests }: ContentOrigin): boolean {
  return sizeBytes > 0 && (requests.length === 0 || sizeBytes >= FABRIC_FROM_BYTES);
}

const FABRIC_FROM_BYTES = 65_536;
