import { expect, test } from "vitest";
import { checkFileSystem, driverFor } from "./file-system.js";

const [EXT4, OVERLAYFS, BTRFS] = [0xef53, 0x794c7630, 0x9123683e];

test("overlayfs stands on anything but itself, btrfs only on btrfs", () => {
  checkFileSystem("overlayfs", EXT4, "/d");
  checkFileSystem("overlayfs", BTRFS, "/d");
  checkFileSystem("btrfs", BTRFS, "/d");
  expect(() => checkFileSystem("overlayfs", OVERLAYFS, "/d")).toThrow("/d is itself on overlayfs");
  expect(() => checkFileSystem("btrfs", EXT4, "/d")).toThrow("/d is not on btrfs");
});

test("snapshots are taken where the file system has them", () => {
  expect([driverFor(BTRFS), driverFor(EXT4)]).toEqual(["btrfs", "overlayfs"]);
});
