// Edge: reads the unpacked layers of an image, which are hostile.
import { closeSync, constants, fstatSync, lstatSync, openSync, readSync } from "node:fs";
import { TallshipError } from "../lib/errors.js";
import type { LocalImage } from "./image/images.js";
import type { UserFiles } from "./oci/user.js";

const FILE_BYTES = 1_048_576;

/** Reads the image's user files once its root has been found harmless; refuses it with image_refused else. */
export function inspectRoot(image: LocalImage): UserFiles {
  refuseHostileRoot(image);
  return readUserFiles(image);
}

/** The image's user files. Never leaves the layers: nothing that is a symbolic link, or below one, is read. */
export function readUserFiles(image: LocalImage): UserFiles {
  return { passwd: readInEtc(image, "passwd"), group: readInEtc(image, "group") };
}

/**
 * Refuses an image in which /dev, /proc, /sys or /etc is anything but a folder: a runtime that mounts there would follow a symbolic link
 * out of the container (CVE-2026-41579, CVE-2026-47766).
 */
export function refuseHostileRoot(image: LocalImage): void {
  for (const layer of image.layerPaths) {
    const bad = ["dev", "proc", "sys", "etc"].find((name) => !isFolderOrAbsent(`${layer}/${name}`));
    if (bad !== undefined)
      throw new TallshipError("image_refused", `image ${image.reference}: its /${bad} is not a folder`);
  }
}

function isFolderOrAbsent(path: string): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found === undefined || found.isDirectory() || isWhiteout(found);
}

function isWhiteout(found: { isCharacterDevice(): boolean; readonly rdev: number }): boolean {
  return found.isCharacterDevice() && found.rdev === 0;
}

/** The topmost layer that has the file decides; a whiteout says that there is none. */
function readInEtc(image: LocalImage, name: string): string {
  for (const layer of image.layerPaths) {
    const etc = lstatSync(`${layer}/etc`, { throwIfNoEntry: false });
    if (etc === undefined) continue;
    if (!etc.isDirectory()) return "";
    const file = lstatSync(`${layer}/etc/${name}`, { throwIfNoEntry: false });
    if (file !== undefined) return file.isFile() ? readWhole(`${layer}/etc/${name}`) : "";
  }
  return "";
}

function readWhole(path: string): string {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    if (!fstatSync(fd).isFile()) return "";
    const buffer = Buffer.alloc(Math.min(FILE_BYTES, fstatSync(fd).size));
    return buffer.subarray(0, readSync(fd, buffer)).toString("utf8");
  } finally {
    closeSync(fd);
  }
}
