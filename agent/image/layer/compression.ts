/** How a layer's blob is packed. */
export type Compression = "none" | "gzip" | "zstd";

/** Tells the compression by a blob's first four bytes. Media types are not asked: registries and builders get them wrong. */
export function compressionOf(firstBytes: Uint8Array): Compression {
  const [a, b, c, d] = firstBytes;
  if (a === 0x1f && b === 0x8b) return "gzip";
  if (a === 0x28 && b === 0xb5 && c === 0x2f && d === 0xfd) return "zstd";
  // A skippable frame, with which a chunked zstd blob may begin.
  if (a !== undefined && (a & 0xf0) === 0x50 && b === 0x2a && c === 0x4d && d === 0x18) return "zstd";
  return "none";
}
