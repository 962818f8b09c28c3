import type { RegistryCaller } from "./authorised-calls.js";
import type { RequestBody } from "./http-exchange.js";
import type { RegistryRequest } from "./registry.js";

/** How a blob came to be in a repository. */
export type BlobOutcome = "was there" | "mounted" | "sent";

/** A blob that a repository is to hold. */
export interface BlobOffer {
  readonly digest: string;
  /** A repository of the same registry that may hold it already; the registry then takes it from there. */
  readonly from: string | undefined;
  /** Opened only when the registry wants the bytes. */
  readonly open: () => RequestBody;
}

/** A manifest and its name in a repository. */
export interface ManifestOffer {
  readonly tag: string;
  readonly mediaType: string;
  readonly bytes: Uint8Array;
}

/**
 * Edge: what is asked of registries beside pulling, one attempt each. Failures: image_push_failed, image_pull_failed, image_not_found, image_unauthorized, not_supported for a registry without a
 * catalogue, cancelled.
 */
export interface RegistryDesk {
  /** Makes a repository hold a blob, sending it only when it must be. */
  putBlob(request: RegistryRequest, offer: BlobOffer): Promise<BlobOutcome>;
  /** Lets a tag stand for a manifest whose blobs the repository holds. Returns the digest that the registry gives it; undefined when it does not say. */
  putManifest(request: RegistryRequest, offer: ManifestOffer): Promise<string | undefined>;
  /** Repositories of the registry, in its order, as long as the caller reads on. */
  repositories(caller: RegistryCaller): AsyncIterable<string>;
  /** Tags of a repository. */
  tags(request: RegistryRequest): Promise<readonly string[]>;
  /** Lets go of idle connections. */
  close(): void;
}
