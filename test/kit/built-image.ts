import { createHash } from "node:crypto";

/** Content with the digest and type by which a registry keeps it. */
export interface BuiltContent {
  readonly mediaType: string;
  readonly digest: string;
  readonly bytes: Uint8Array;
}

/** An image, or an index of images, with everything that it points to: what can be pushed or archived. */
export interface BuiltImage extends BuiltContent {
  /** Config and layers. */
  readonly blobs: readonly BuiltContent[];
  /** Images of an index. */
  readonly children: readonly BuiltImage[];
}

/** What an image says of how it is run, in OCI's words. */
export interface BuiltConfig {
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly Env?: readonly string[];
  readonly WorkingDir?: string;
  readonly User?: string;
  readonly StopSignal?: string;
  readonly Labels?: Readonly<Record<string, string>>;
}

/** One layer: the archive as the registry keeps it, and the digest of what it unpacks to. */
export interface BuiltLayer extends BuiltContent {
  readonly diffId: string;
}

/** Media types of OCI and of Docker schema 2. */
export const FORMATS = {
  oci: {
    index: "application/vnd.oci.image.index.v1+json",
    manifest: "application/vnd.oci.image.manifest.v1+json",
    config: "application/vnd.oci.image.config.v1+json",
  },
  docker: {
    index: "application/vnd.docker.distribution.manifest.list.v2+json",
    manifest: "application/vnd.docker.distribution.manifest.v2+json",
    config: "application/vnd.docker.container.image.v1+json",
  },
} as const;

/** Bytes under their digest. */
export function content(mediaType: string, bytes: Uint8Array): BuiltContent {
  return { mediaType, digest: digestOf(bytes), bytes };
}

/** JSON under its digest. */
export function jsonContent(mediaType: string, value: unknown): BuiltContent {
  return content(mediaType, Buffer.from(JSON.stringify(value)));
}

/** sha256: of the bytes. */
export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

/** A pointer to content. */
export function pointerTo({ mediaType, digest, bytes }: BuiltContent): {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
} {
  return { mediaType, digest, size: bytes.length };
}
