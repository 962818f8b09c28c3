import type { RegistryCredentials } from "../../../kinds/registry-credentials.js";

/** One place that answers the distribution API: a registry or a mirror of it. */
export interface Endpoint {
  /** http://HOST[:PORT] or https://HOST[:PORT], without a path. */
  readonly origin: string;
  /** Put before every repository: "cache" makes library/busybox into cache/library/busybox. Empty for none. */
  readonly repositoryPrefix: string;
  /** File with the certificates that sign the endpoint's; the system's when undefined. */
  readonly caPath: string | undefined;
  /** The endpoint's certificate is not verified. Content still is, by digest. */
  readonly isUnverified: boolean;
}

/** What every request to a registry says. */
export interface RegistryRequest {
  readonly endpoint: Endpoint;
  readonly repository: string;
  /** For this endpoint; no other host ever sees them. Undefined: anonymous. */
  readonly credentials: RegistryCredentials | undefined;
  readonly signal: AbortSignal;
}

/** A manifest or index, as the registry has it. */
export interface ManifestReply {
  readonly mediaType: string;
  /** Computed from the content, not believed from a header. */
  readonly digest: string;
  readonly bytes: Uint8Array;
}

/** Which bytes of a blob are asked for. */
export interface BlobRange {
  readonly start: number;
  /** The byte after the last; absent: to the end. */
  readonly end?: number;
}

/** Content of a blob from some offset on. */
export interface BlobReply {
  /** Where the content starts: what was asked for, or 0 when the registry cannot do ranges. */
  readonly offsetBytes: number;
  /** Not verified. Ends early or throws image_pull_failed when the connection breaks. */
  readonly content: AsyncIterable<Uint8Array>;
}

/**
 * Edge: registries, by the OCI distribution API. Each call is one attempt at one endpoint, with deadlines for the connection,
 * the answer and each pause within it. Failures: image_not_found, image_unauthorized, image_pull_failed, cancelled.
 */
export interface Registry {
  /** Reads the manifest or index of a tag or digest. One that is larger than limits.imageManifestBytes is image_refused. */
  manifest(request: RegistryRequest, key: string): Promise<ManifestReply>;
  /** Digest that a tag has now, without reading the manifest; undefined when the registry does not say. */
  digestOf(request: RegistryRequest, key: string): Promise<string | undefined>;
  /** Opens a blob. The caller reads the content to its end or leaves the loop; either lets the connection go. */
  blob(request: RegistryRequest, digest: string, range: BlobRange): Promise<BlobReply>;
  /** Lets go of idle connections. */
  close(): void;
}
