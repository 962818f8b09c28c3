import { expect, test } from "vitest";
import { silentLog } from "../../lib/log.js";
import { bytesToFree, collectOnce } from "./image-collector.js";
import { unusedImages } from "./unused-images.js";

const marks = { high: 85, low: 80 };

// Around the high mark; beyond it everything down to the low one.
test.each([
  [0, 0],
  [85, 0],
  [86, 6],
  [100, 20],
])("of 100 bytes %i are used: %i are to be freed", (usedBytes, want) => {
  expect(bytesToFree({ usedBytes, totalBytes: 100 }, marks)).toBe(want);
});

test("what pods or names of the cluster use never goes, the longest unused goes first", () => {
  const image = (name: string, usedAtMs: number) => ({ name, digest: `sha256:${name}`, usedAtMs });
  const images = [image("new", 9), image("old", 1), image("pod", 0), image("named", 0), image("older", 1)];
  const inUse = { byPods: new Set(["sha256:pod"]), byCluster: new Set(["sha256:named"]) };
  expect(unusedImages(images, inUse).map(({ name }) => name)).toEqual(["old", "older", "new"]);
});

test("a full disk has as much dropped as it takes; one with room nothing", async () => {
  const asked: (number | undefined)[] = [];
  const library = {
    dropUnused: async ({ bytes }: { readonly bytes?: number }) => {
      asked.push(bytes);
      return bytes ?? 0;
    },
  };
  const inUse = () => ({ byPods: new Set<string>(), byCluster: new Set<string>() });
  for (const usedBytes of [50, 95]) {
    await collectOnce({ library, diskUse: () => ({ usedBytes, totalBytes: 100 }), inUse, log: silentLog });
  }
  expect(asked).toEqual([15]);
});
