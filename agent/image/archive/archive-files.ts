// Edge: writes the files of an archive to disk.
import { createHash, type Hash } from "node:crypto";
import { mkdirSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join, posix } from "node:path";
import { assert, TallshipError } from "../../../lib/errors.js";
import { limit } from "../../../lib/limits.js";
import { shownPath, type TarEntry } from "../../../lib/tar/entry.js";
import { TarReader, type TarSink } from "../../../lib/tar/tar-reader.js";

/** A file of an archive, written to disk under a name of its own: nothing in the archive says where. */
export interface ArchiveFile {
  readonly diskPath: string;
  /** Of its content. */
  readonly digest: string;
  readonly sizeBytes: number;
}

/** The files of an archive by their paths in it. */
export type ArchiveFiles = ReadonlyMap<string, ArchiveFile>;

/** How the files of an archive are taken. */
export interface CollectOptions {
  /** A folder that does not exist; the caller removes it. */
  readonly folder: string;
  readonly signal: AbortSignal;
  /** Called with the bytes of the unpacked archive so far. */
  readonly onBytes: (bytesDone: number) => void;
}

/**
 * Writes every file of an archive that is not packed into a folder and hashes it on the way: an archive may be larger than memory. Links within the archive lead to the
 * file; everything else is passed over. image_refused when it is malformed or has too much of anything.
 */
export async function collectFiles(archive: AsyncIterable<Uint8Array>, options: CollectOptions): Promise<ArchiveFiles> {
  mkdirSync(options.folder, { recursive: true, mode: 0o700 });
  const collector = new Collector(options.folder);
  const reader = new TarReader(collector);
  let bytesDone = 0;
  try {
    for await (const chunk of archive) {
      if (options.signal.aborted) throw new TallshipError("cancelled", "the taking in of an archive was cancelled");
      bytesDone += chunk.length;
      if (bytesDone > limit("imageUnpackedBytes"))
        throw refused(`it has more than ${limit("imageUnpackedBytes")} bytes`);
      readInto(reader, Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length));
      await collector.write();
      options.onBytes(bytesDone);
    }
    readInto(reader, undefined);
    return collector.files();
  } finally {
    await collector.close();
  }
}

function readInto(reader: TarReader, chunk: Buffer | undefined): void {
  try {
    if (chunk === undefined) reader.finish();
    else reader.push(chunk);
  } catch (error) {
    throw refused(error instanceof Error ? error.message : String(error));
  }
}

type Step = { readonly do: "open"; readonly path: string } | { readonly do: "write"; readonly bytes: Buffer };

interface Current {
  readonly diskPath: string;
  readonly path: string;
  readonly hash: Hash;
  sizeBytes: number;
}

/** Entries are taken synchronously; what is to be written waits until the chunk has been read. */
class Collector implements TarSink {
  private readonly folder: string;
  private readonly found = new Map<string, ArchiveFile>();
  private readonly links = new Map<string, string>();
  private readonly steps: Step[] = [];
  private current: Current | undefined;
  private file: FileHandle | undefined;
  private entryCount = 0;

  constructor(folder: string) {
    this.folder = folder;
  }

  entry(entry: TarEntry): void {
    this.current = undefined;
    this.entryCount += 1;
    if (this.entryCount > limit("imageArchiveEntries"))
      throw refused(`it has more than ${limit("imageArchiveEntries")} entries`);
    const path = posix.normalize(shownPath(entry.path));
    if (entry.type === "link") this.links.set(path, posix.normalize(shownPath(entry.linkPath)));
    if (entry.type === "symlink")
      this.links.set(path, posix.normalize(posix.join(posix.dirname(path), shownPath(entry.linkPath))));
    if (entry.type !== "file") return;
    if (entry.sparse !== undefined) throw refused(`${path} is a sparse file`);
    const diskPath = join(this.folder, String(this.entryCount));
    this.current = { diskPath, path, hash: createHash("sha256"), sizeBytes: 0 };
    this.steps.push({ do: "open", path: diskPath });
    if (entry.sizeBytes === 0) this.end();
  }

  content(bytes: Buffer): void {
    const { current } = this;
    if (current === undefined) return;
    current.hash.update(bytes);
    current.sizeBytes += bytes.length;
    this.steps.push({ do: "write", bytes });
  }

  end(): void {
    const { current } = this;
    if (current === undefined) return;
    const digest = `sha256:${current.hash.digest("hex")}`;
    this.found.set(current.path, { diskPath: current.diskPath, digest, sizeBytes: current.sizeBytes });
    this.current = undefined;
  }

  /** Writes what the last chunk held. */
  async write(): Promise<void> {
    for (const step of this.steps.splice(0)) {
      if (step.do === "write") {
        assert(this.file !== undefined, "content follows its entry");
        await this.file.appendFile(step.bytes);
        continue;
      }
      await this.close();
      this.file = await open(step.path, "ax", 0o600);
    }
  }

  async close(): Promise<void> {
    await this.file?.close();
    this.file = undefined;
  }

  /** The files; links of links are followed, in circles they lead nowhere. */
  files(): ArchiveFiles {
    const all = new Map(this.found);
    for (const path of this.links.keys()) {
      const target = this.followed(path);
      if (target !== undefined && !all.has(path)) all.set(path, target);
    }
    return all;
  }

  private followed(path: string): ArchiveFile | undefined {
    let at: string | undefined = path;
    for (let hops = 0; hops < LINKS_MAX && at !== undefined; hops += 1) {
      const file = this.found.get(at);
      if (file !== undefined) return file;
      at = this.links.get(at);
    }
    return undefined;
  }
}

/** Links that lead to links; archives that people make have none. */
const LINKS_MAX = 8;

function refused(why: string): TallshipError {
  return new TallshipError("image_refused", `the archive cannot be taken in: ${why}`);
}
