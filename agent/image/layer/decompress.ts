// Edge: reads a file, inflates it in Node's thread pool or by Debian's zstd.
import { spawn } from "node:child_process";
import { closeSync, createReadStream, openSync, readSync } from "node:fs";
import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { assert, TallshipError } from "../../../lib/errors.js";
import { type Compression, compressionOf } from "./compression.js";

/** Large pieces: fewer turns of the event loop, and the thread pool inflates the next while one is written. */
const CHUNK_BYTES = 1_048_576;

/** A blob's content without its compression, which is told by its first bytes. Stops reading when the consumer stops. */
export async function* decompressed(blobPath: string): AsyncGenerator<Buffer> {
  const kind = packingOf(blobPath);
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

/** A stream's content without its compression, which is told by its first bytes. image_refused when it cannot be inflated. */
export async function* inflated(packed: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const chunks = packed[Symbol.asyncIterator]();
  const first = await chunks.next();
  if (first.done === true) return;
  const rest: AsyncIterable<Uint8Array> = { [Symbol.asyncIterator]: () => chunks };
  const whole = Readable.from(resumed(first.value, rest), { objectMode: false });
  try {
    yield* STREAM_CODECS[compressionOf(first.value)](whole);
  } finally {
    whole.destroy();
  }
}

async function* resumed(first: Uint8Array, rest: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield first;
  yield* rest;
}

const STREAM_CODECS: Readonly<Record<Compression, (packed: Readable) => AsyncIterable<Buffer>>> = {
  none: (packed) => packed,
  gzip: gunzipped,
  zstd: (packed) => zstdOutput(packed),
};

async function* gunzipped(packed: Readable): AsyncGenerator<Buffer> {
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
  packed.on("error", (error) => gunzip.destroy(error));
  try {
    yield* packed.pipe(gunzip);
  } catch (error) {
    // What broke may be where the bytes come from.
    if (error instanceof TallshipError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new TallshipError("image_refused", `layer cannot be inflated: ${why}`, { cause: error });
  } finally {
    gunzip.destroy();
  }
}

/** Node 20 has no zstd. A window over 128 MiB is refused by zstd itself. */
async function* zstdDecoded(blobPath: string): AsyncGenerator<Buffer> {
  const fd = openSync(blobPath, "r");
  try {
    yield* zstdOutput(fd);
  } finally {
    closeSync(fd);
  }
}

/** What zstd makes of an open file, or of a stream. */
async function* zstdOutput(packed: number | Readable): AsyncGenerator<Buffer> {
  const input = typeof packed === "number" ? packed : "pipe";
  const child = spawn("zstd", ["--decompress", "--stdout", "--quiet"], { stdio: [input, "pipe", "pipe"] });
  const { stdin, stdout, stderr } = child;
  assert(stdout !== null && stderr !== null, "zstd writes to pipes");
  let broken: Error | undefined;
  if (typeof packed !== "number" && stdin !== null) {
    // A zstd that has ended early takes no more; its status says why.
    stdin.on("error", () => packed.destroy());
    packed.on("error", (error) => {
      broken = error;
      child.kill("SIGKILL");
    });
    packed.pipe(stdin);
  }
  const ended = new Promise<number | Error | null>((resolve) => {
    child.on("error", resolve);
    child.on("close", resolve);
  });
  const complaints: Buffer[] = [];
  stderr.on("data", (bytes: Buffer) => complaints.push(bytes));
  try {
    yield* stdout;
    const status = await ended;
    if (broken !== undefined) throw broken;
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

/** How a file is packed. */
export function packingOf(path: string): Compression {
  const fd = openSync(path, "r");
  const bytes = Buffer.alloc(4);
  const count = readSync(fd, bytes);
  closeSync(fd);
  return compressionOf(bytes.subarray(0, count));
}
