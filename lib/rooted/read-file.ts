// Edge: reads a small file of a folder that somebody hostile may be changing.
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { hasCode } from "../errors.js";
import { openRooted } from "./walk.js";

/** The beginning of a file below a root, read as a process would whose root it is: no link leads out. Empty when it is missing, or no file. */
export function readRooted(root: string, path: string, bytes: number): string {
  let place: number;
  try {
    place = openRooted(root, path, { beyond: "clamped", makesFolders: false, followsLast: true });
  } catch (error) {
    if (hasCode(error, "not_found")) return "";
    throw error;
  }
  try {
    if (!fstatSync(place).isFile()) return "";
    const fd = openSync(`/proc/self/fd/${place}`, constants.O_RDONLY | constants.O_NONBLOCK);
    const buffer = Buffer.alloc(Math.min(bytes, fstatSync(fd).size));
    try {
      return buffer.subarray(0, readSync(fd, buffer)).toString("utf8");
    } finally {
      closeSync(fd);
    }
  } finally {
    closeSync(place);
  }
}
