// Edge: opens places below a folder that somebody hostile may be changing.
import { closeSync, constants, fstatSync, mkdirSync, openSync, readlinkSync } from "node:fs";
import { TallshipError } from "../errors.js";
import { pathBytes, shownPath } from "../tar/entry.js";

/** open(2)'s O_PATH, which node does not name: a handle on the place itself, without opening what is there. */
const O_PATH = 0o10000000;
const LINKS_FOLLOWED = 40;

/** How a path is walked. */
export interface WalkRules {
  /** What is absolute or leads up beyond the root: refused, or read as a process would whose root it is. */
  readonly beyond: "refused" | "clamped";
  /** Folders that are missing are made; else they are not_found. */
  readonly makesFolders: boolean;
  /** Whether a symbolic link at the end is followed; else the handle is on the link itself. */
  readonly followsLast: boolean;
}

/**
 * Opens `path` below `root` step by step, each from the handle of the one before, never by name twice: what is renamed or replaced
 * meanwhile cannot lead out. Paths have one byte per character. Returns a handle on the place, which the caller closes.
 */
export function openRooted(root: string, path: string, rules: WalkRules): number {
  const walk = new Walk(root, path, rules);
  try {
    walk.follow(path, rules.followsLast);
    return walk.take();
  } finally {
    walk.close();
  }
}

/** A name in the folder of a handle, as the file system takes it. */
export function nameIn(fd: number, name: string): string | Buffer {
  const folder = `/proc/self/fd/${fd}/`;
  const bytes = pathBytes(name);
  return typeof bytes === "string" ? folder + bytes : Buffer.concat([Buffer.from(folder), bytes]);
}

/** A handle on a name in the folder of a handle; a symbolic link is not followed. */
export function openIn(fd: number, name: string): number {
  return openSync(nameIn(fd, name), O_PATH | constants.O_NOFOLLOW);
}

/** The parts of a path that lead anywhere. */
export function partsOf(path: string): readonly string[] {
  return path.split("/").filter((name) => name !== "" && name !== ".");
}

class Walk {
  /** Handles from the root to where the walk stands. */
  private readonly handles: number[];
  private readonly asked: string;
  private readonly rules: WalkRules;
  private links = 0;

  constructor(root: string, asked: string, rules: WalkRules) {
    this.asked = asked;
    this.rules = rules;
    this.handles = [openSync(root, O_PATH | constants.O_DIRECTORY)];
  }

  follow(path: string, followsLast: boolean): void {
    if (path.startsWith("/")) this.toRoot();
    const parts = partsOf(path);
    for (const [at, part] of parts.entries()) {
      if (part === "..") this.up();
      else this.down(part, followsLast || at < parts.length - 1);
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

  private toRoot(): void {
    if (this.rules.beyond === "refused") throw this.escape();
    while (this.handles.length > 1) closeSync(this.take());
  }

  private up(): void {
    if (this.handles.length > 1) closeSync(this.take());
    else if (this.rules.beyond === "refused") throw this.escape();
  }

  private down(name: string, followsLink: boolean): void {
    const from = this.handles.at(-1) ?? -1;
    const fd = this.open(from, name);
    if (!followsLink || !fstatSync(fd).isSymbolicLink()) {
      this.handles.push(fd);
      return;
    }
    closeSync(fd);
    this.links += 1;
    if (this.links > LINKS_FOLLOWED) throw this.escape();
    this.follow(readlinkSync(nameIn(from, name), { encoding: "latin1" }), true);
  }

  private open(from: number, name: string): number {
    try {
      return openIn(from, name);
    } catch (cause) {
      if (!this.rules.makesFolders)
        throw new TallshipError("not_found", `path ${shownPath(this.asked)}: no such file or folder`, { cause });
      mkdirSync(nameIn(from, name), { mode: 0o755 });
      return openIn(from, name);
    }
  }

  private escape(): TallshipError {
    return new TallshipError("invalid_argument", `path ${shownPath(this.asked)}: it leads out of its volume`);
  }
}
