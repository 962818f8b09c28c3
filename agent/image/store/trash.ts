// Edge: deletes large folders.
import { mkdirSync, readdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { runCommand } from "../run-command.js";

/**
 * A folder for what is to be deleted. Taking is one rename, so that nothing is ever seen half deleted and a crash only leaves more trash;
 * deleting is left to rm(1), which is faster at a hundred thousand files than Node and costs its event loop nothing.
 */
export class Trash {
  private readonly folder: string;
  private count = 0;

  /** The folder is made when it is missing; it is on the file system of what it takes. */
  constructor(folder: string) {
    this.folder = folder;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    // What an earlier run left keeps its name.
    this.count = Math.max(0, ...readdirSync(folder).map(Number));
  }

  /** Moves a file or folder out of sight. */
  take(path: string): void {
    this.count += 1;
    renameSync(path, join(this.folder, String(this.count)));
  }

  /** Deletes what was taken. */
  async empty(): Promise<void> {
    const names = readdirSync(this.folder);
    if (names.length === 0) return;
    await runCommand("rm", ["-rf", "--one-file-system", "--", ...names.map((name) => join(this.folder, name))]);
  }
}
