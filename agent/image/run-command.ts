// Edge: runs programs.
import { execFile } from "node:child_process";
import { TallshipError } from "../../lib/errors.js";

/** Runs a program to its end; disk_failed with what it said when it fails. */
export type RunCommand = (program: string, args: readonly string[]) => Promise<void>;

/** Runs a program of the host. */
export const runCommand: RunCommand = (program, args) =>
  new Promise((resolve, reject) => {
    execFile(program, [...args], { encoding: "utf8" }, (error, _, stderr) => {
      if (error === null) resolve();
      else reject(new TallshipError("disk_failed", `${program} ${args[0] ?? ""}: ${stderr.trim() || error.message}`));
    });
  });
