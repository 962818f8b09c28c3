import { expect, test } from "vitest";
import { mountsBelow } from "./mounts-below.js";

const line = (point: string): string => `36 35 98:0 / ${point} rw,noatime shared:1 - ext4 /dev/sda1 rw`;

test("mounts below the folders, the last made first; not the folders, not their neighbours, and with their real names", () => {
  const text = [
    "/",
    "/var/lib/tallship",
    "/var/lib/tallship/a",
    "/var/lib/tallship/a/b",
    "/var/lib/tallship-other/x",
    "/run/tallship/with\\040space",
  ]
    .map(line)
    .join("\n");
  expect(mountsBelow(text, ["/var/lib/tallship", "/run/tallship"])).toEqual([
    "/run/tallship/with space",
    "/var/lib/tallship/a/b",
    "/var/lib/tallship/a",
  ]);
});
