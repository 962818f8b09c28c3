// Edge: reads a file, inflates it in Node's thread pool or by Debian's zstd.
import { spawn } from "node:child_process";
import { closeSync, createReadStream, openSync, readSync } from "node:fs";
import { createGunzip } from "node:zlib";
import { assert, TallshipError } from "../../../lib/errors.js";
import { type Compression, compressionOf } from "./compression.js";

/** Large pieces: fewer turns of the event loop, and the thread pool inflates the next while one is written. */
const CHUNK_BYTES = 1_048_576;

/** A blob's content without its compression, which is told by its first bytes. Stops reading when the consumer stops. */
export async function* decompressed(blobPath: string): AsyncGenerator<Buffer> {
  const kind = compressionOf(firstBytes(blobPath));
  const packed = createReadStream(blobPath, { highWaterMark: CHUNK_BYTES });
  try {
    yield* CODECS[kind](packed, blobPath);
  } finally {
    packed.destroy();
  }
}

type Packed = ReturnType<typeof createReadStream>;

const CODECS: Readonly<Record<Compression, (packed: Packed, blobPath: string) => AsyncIterable<Buffer>>> = {
  none: (packed) => packed,
  gzip: gunzipped,
  zstd: (_, blobPath) => zstdDecoded(blobPath),
};

async function* gunzipped(packed: Packed): AsyncGenerator<Buffer> {
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
  packed.on("error", (error) => gunzip.destroy(error));
  try {
    yield* packed.pipe(gunzip);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new TallshipError("image_refused", `layer cannot be inflated: ${why}`, { cause: error });
  } finally {
    gunzip.destroy();
  }
}

/** Node 20 has no zstd. A window over 128 MiB is refused by zstd itself. */
async function* zstdDecoded(blobPath: string): AsyncGenerator<Buffer> {
  const fd = openSync(blobPath, "r");
  const child = spawn("zstd", ["--decompress", "--stdout", "--quiet"], { stdio: [fd, "pipe", "pipe"] });
  closeSync(fd);
  const { stdout, stderr } = child;
  assert(stdout !== null && stderr !== null, "zstd writes to pipes");
  const ended = new Promise<number | Error | null>((resolve) => {
    child.on("error", resolve);
    child.on("close", resolve);
  });
  const complaints: Buffer[] = [];
  stderr.on("data", (bytes: Buffer) => complaints.push(bytes));
  try {
    yield* stdout;
    const status = await ended;
    if (status instanceof Error) {
      throw new TallshipError("not_supported", `layer is packed with zstd: ${status.message}; install zstd`);
    }
    if (status !== 0) {
      const said = Buffer.concat(complaints).toString("utf8").trim().slice(0, 200);
      throw new TallshipError("image_refused", `layer cannot be inflated: zstd ended with status ${status}: ${said}`);
    }
  } finally {
    child.kill("SIGKILL");
  }
}

function firstBytes(path: string): Buffer {
  const fd = openSync(path, "r");
  const bytes = Buffer.alloc(4);
  const count = readSync(fd, bytes);
  closeSync(fd);
  return bytes.subarray(0, count);
}
