import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { waitFor } from "../../test/kit/wait.js";
import { writtenBytesAt } from "./written-bytes.js";

test("what is written to a file is counted for the machine, or the file system is said not to count", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tallship-written-"));
  try {
    const written = writtenBytesAt(folder);
    const before = written();
    appendFileSync(join(folder, "log"), Buffer.alloc(4_000_000));
    if (before === undefined) return;
    await waitFor("the kernel to have counted it", () => (written() ?? 0) - before >= 4_000_000 - 1_000_000);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("a folder in memory, or none, tells nothing", () => {
  expect(writtenBytesAt("/proc")()).toBeUndefined();
  expect(writtenBytesAt("/no/such/folder")()).toBeUndefined();
});
