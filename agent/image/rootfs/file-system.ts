import { TallshipError } from "../../../lib/errors.js";
import type { RootFsDriver } from "../images.js";

/** Magic numbers of statfs(2). */
const OVERLAYFS = 0x794c7630;
const BTRFS = 0x9123683e;

/** Throws failed_precondition when root file systems cannot be made by the driver on a file system of this type (statfs). */
export function checkFileSystem(driver: RootFsDriver["name"], fileSystemType: number, path: string): void {
  if (driver === "btrfs" && fileSystemType !== BTRFS) {
    throw new TallshipError("failed_precondition", `root file systems by btrfs: ${path} is not on btrfs`);
  }
  if (driver === "overlayfs" && fileSystemType === OVERLAYFS) {
    const remedy = "give the data folder a volume of its own";
    throw new TallshipError(
      "failed_precondition",
      `root file systems by overlayfs: ${path} is itself on overlayfs; ${remedy}`,
    );
  }
}

/** The driver that suits a file system of this type (statfs): snapshots where there are some. */
export function driverFor(fileSystemType: number): RootFsDriver["name"] {
  return fileSystemType === BTRFS ? "btrfs" : "overlayfs";
}
