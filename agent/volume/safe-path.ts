// Edge: opens places below a folder that somebody hostile may be changing.
import { closeSync, constants, fstatSync, mkdirSync, openSync, readlinkSync } from "node:fs";
import { TallshipError } from "../../lib/errors.js";
import type { BindSource } from "./pod-disk.js";

/** open(2)'s O_PATH, which node does not name: a handle on the place itself, without opening what is there. */
const O_PATH = 0o10000000;
const LINKS_FOLLOWED = 40;

/**
 * Opens `path` below `root` step by step, each from the handle of the one before, never by name twice: what is renamed or replaced
 * meanwhile cannot lead out. The result names the handle in /proc. Folders that are missing are made.
 */
export function openBelow(root: string, path: string): BindSource {
  const walk = new Walk(root, path);
  try {
    walk.follow(path);
    const fd = walk.take();
    return { path: `/proc/${process.pid}/fd/${fd}`, release: async () => closeSync(fd) };
  } finally {
    walk.close();
  }
}

class Walk {
  /** Handles from the root to where the walk stands. */
  private readonly handles: number[];
  private readonly asked: string;
  private links = 0;

  constructor(root: string, asked: string) {
    this.asked = asked;
    this.handles = [openSync(root, O_PATH | constants.O_DIRECTORY)];
  }

  follow(path: string): void {
    if (path.startsWith("/")) throw this.escape();
    for (const part of path.split("/").filter((name) => name !== "" && name !== ".")) {
      if (part === "..") this.up();
      else this.down(part);
    }
  }

  /** The handle of the place reached; the caller closes it. */
  take(): number {
    const fd = this.handles.pop();
    if (fd === undefined) throw this.escape();
    return fd;
  }

  close(): void {
    for (const fd of this.handles) closeSync(fd);
  }

  private up(): void {
    if (this.handles.length === 1) throw this.escape();
    closeSync(this.take());
  }

  private down(name: string): void {
    const place = `/proc/self/fd/${this.handles.at(-1)}/${name}`;
    const fd = openPlace(place);
    if (!fstatSync(fd).isSymbolicLink()) {
      this.handles.push(fd);
      return;
    }
    closeSync(fd);
    this.links += 1;
    if (this.links > LINKS_FOLLOWED) throw this.escape();
    this.follow(readlinkSync(place));
  }

  private escape(): TallshipError {
    return new TallshipError("invalid_argument", `path ${this.asked}: it leads out of its volume`);
  }
}

function openPlace(place: string): number {
  const flags = O_PATH | constants.O_NOFOLLOW;
  try {
    return openSync(place, flags);
  } catch {
    mkdirSync(place, { mode: 0o755 });
    return openSync(place, flags);
  }
}
