import type { RunConfig } from "../../kinds/image-changes.js";
import type { RegistryCredentials } from "../../kinds/registry-credentials.js";
import type { ImageSpec } from "../../proto/gen/tallship/v1/image.js";
import type { HeldName } from "../../proto/gen/tallship/v1/session.js";
import type { InUse } from "./unused-images.js";

/** What an image says of how it is run; the OCI image config. */
export interface ImageConfig {
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  /** NAME=value each. */
  readonly env: readonly string[];
  readonly workingDir: string;
  /** user[:group], names or numbers; empty: root. */
  readonly user: string;
  readonly stopSignal: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** An image that is unpacked on this node. */
export interface LocalImage {
  /** As asked for. */
  readonly reference: string;
  /** Digest of its manifest, sha256:…. */
  readonly digest: string;
  /** Digest of the index that led to it; absent: none did. */
  readonly indexDigest?: string | undefined;
  readonly config: ImageConfig;
  /** Folders of its unpacked layers, the topmost first, as overlayfs' lowerdir wants them. */
  readonly layerPaths: readonly string[];
}

/** How a pull stands, for people. */
export interface PullProgress {
  readonly reference: string;
  readonly bytesDone: number;
  readonly bytesTotal: number;
  /** Layers that are on their way, the lowest first. */
  readonly layers: readonly LayerProgress[];
}

/** How one layer of a pull stands. */
export interface LayerProgress {
  readonly digest: string;
  readonly bytesDone: number;
  readonly bytesTotal: number;
}

/** What is asked of an image. */
export interface ImageRequest {
  readonly reference: string;
  readonly policy: "Always" | "IfNotPresent" | "Never";
  /** By registry host. Sent only to that registry. */
  readonly credentials: Readonly<Record<string, RegistryCredentials>>;
  /** The image is the cluster's own, with its digest: it comes from other nodes, no registry is asked. */
  readonly isOwn?: boolean;
  /** Packed layers are wanted too, for other nodes, though the node itself has them unpacked of another image. */
  readonly isWhole?: boolean;
}

/**
 * The node's images. A half-pulled image is never visible; equal pulls at the same time are one; content is verified by digest.
 * Failures: image_not_found, image_unauthorized, image_pull_failed, image_digest_mismatch, image_refused, disk_failed.
 */
export interface Images {
  /** Synchronous answer from what is there: undefined when it must be pulled or looked up. Never for policy Always. */
  lookup(request: ImageRequest): LocalImage | undefined;
  /** Makes the image present and returns it. */
  ensure(
    request: ImageRequest,
    options: { readonly signal: AbortSignal; readonly onProgress?: (progress: PullProgress) => void },
  ): Promise<LocalImage>;
  /** Digest of the image that a reference names here; undefined when it is not here or malformed. Says nothing of use. */
  digestOf(reference: string): string | undefined;
  /** Digests of all content that is there. */
  digests(): readonly string[];
  /** The images that a pod could start with at once, by every name that it may call them by; each name once. */
  named(): readonly HeldName[];
  /** Calls whenever content or names came or went. */
  onContent(listener: () => void): void;
  /** The images that are there, by name. */
  list(): readonly LocalImage[];
  /** Forgets a name. Its content stays until `prune`. Removing what is not there does nothing. */
  remove(reference: string): Promise<void>;
  /** Deletes content that no name and no container's root file system uses; returns the bytes freed. */
  prune(): Promise<number>;
}

/** How an archive of images is taken in. */
export interface LoadOptions {
  /** Names for the one image of the archive; empty: those that it says itself. */
  readonly names: readonly string[];
  readonly signal: AbortSignal;
  /** Bytes in all are 0 while they are not known. */
  readonly onProgress: (step: string, bytesDone: number, bytesTotal: number) => void;
}

/** An image that was taken in. */
export interface LoadedImage {
  /** Whole references. */
  readonly names: readonly string[];
  readonly spec: ImageSpec;
}

/** An image to be made of one layer, on top of another image or alone. */
export interface MakeOrder {
  /** A tar archive that is not packed. */
  readonly layer: AsyncIterable<Uint8Array>;
  /** Digest of the manifest of the image below; absent: there is none. */
  readonly base: string | undefined;
  /** How it is run, made of what the config of the image below says of that. */
  readonly run: (config: unknown) => RunConfig;
  /** Instructions of a Dockerfile that change that. */
  readonly changes: readonly string[];
  readonly author: string;
  /** What is to be known of it, for its history. */
  readonly comment: string;
  /** What the layer was made by. */
  readonly createdBy: string;
}

/** A name of the cluster and what it stands for. */
export interface NamedSpec {
  readonly name: string;
  readonly spec: ImageSpec;
}

/** Which unused images are to go, beside content without a name. */
export interface UnusedWish {
  /** All. */
  readonly all: boolean;
  /** Those that had these names, which stand for nothing any more. */
  readonly names: readonly string[];
  /** The longest unused, until so many bytes are free again. */
  readonly bytes?: number;
}

/** What operators do with a node's images. */
export interface ImageLibrary {
  /**
   * Takes in an archive of images, packed or not: an OCI layout or what docker save writes. Every digest and diff id is verified, and nothing is named before all of its image is
   * there. Fails with invalid_argument too, for names.
   */
  load(archive: AsyncIterable<Uint8Array>, options: LoadOptions): Promise<readonly LoadedImage[]>;
  /** Makes an image of one layer, which is verified as any layer is. Fails as `load` does, and with not_found when content of the image below is not here. */
  make(order: MakeOrder, options: LoadOptions): Promise<LoadedImage>;
  /** Makes an image of the cluster present, from other nodes. */
  fetch(image: NamedSpec, options: Omit<LoadOptions, "names">): Promise<void>;
  /** Images as one archive; not_found before its first byte when some content is not here. */
  save(images: readonly NamedSpec[]): AsyncIterable<Uint8Array>;
  /** What an image of the node consists of, by the digest of its manifest. */
  specOf(digest: string): Promise<ImageSpec>;
  /** A manifest or config. */
  read(digest: string): Promise<Uint8Array>;
  /** Drops content that nothing names or uses; returns the bytes freed. */
  dropUnused(what: UnusedWish, inUse: InUse): Promise<number>;
  /** Links an image's content into a new folder, as containers' tools know it by `dir:`. */
  layOut(digest: string, folder: string): Promise<void>;
}

/** A container's writable root file system on top of an image's layers. */
export interface RootFs {
  /** Folder of the root file system. */
  readonly path: string;
  /** What must be mounted there; undefined when nothing must (btrfs snapshot). */
  readonly mount: RootFsMount | undefined;
}

/** One mount, in mount(8)'s words. The options hold paths relative to `cwd`: a hundred layers must fit into one page. */
export interface RootFsMount {
  readonly type: string;
  readonly source: string;
  readonly options: string;
  /** Folder that mount(8) must be run in. */
  readonly cwd: string;
}

/** A container's root file system beside what it was at first, to be read only. Each is mounted by whoever looks, out of the container's sight. */
export interface ComparableRoot {
  readonly now: RootFs;
  /** The image alone. */
  readonly before: RootFs;
  /** A folder that holds, by the same paths, whatever may differ; absent: it is not known what may. */
  readonly written: string | undefined;
}

/** How root file systems are made of layers: overlayfs or btrfs. One conformance suite. Idempotent. */
export interface RootFsDriver {
  readonly name: "overlayfs" | "btrfs";
  /** Prepares folders or a snapshot; the caller mounts. `owner`: the id of the host that root is in the container, where that is not 0. */
  prepare(containerId: string, image: LocalImage, owner?: number): Promise<RootFs>;
  /** What prepare made for a container, as it was then; undefined when there is nothing. */
  find(containerId: string): Promise<RootFs | undefined>;
  /** What a container has made of its image, whether it runs or not; undefined when there is nothing. */
  compare(containerId: string, image: LocalImage): Promise<ComparableRoot | undefined>;
  /** Removes what prepare made; the caller has unmounted. */
  remove(containerId: string): Promise<void>;
  /** Containers that have a root file system. */
  list(): Promise<readonly string[]>;
  /** Folders of layers that the root file systems stand on, so that `prune` leaves them. */
  layersInUse(): Promise<readonly string[]>;
  /** Drops what it keeps of images whose layers are gone. */
  prune(): Promise<void>;
}
