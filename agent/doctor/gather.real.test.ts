import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { hostPaths } from "../../lib/host-paths.js";
import { systemClock } from "../../lib/system-clock.js";
import { gatherEvidence } from "./gather.js";

const root = mkdtempSync(join(tmpdir(), "doctor-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

test("this machine, on which the tests run, has programs and kernel; nothing is left on it", async () => {
  const paths = hostPaths({ configDir: join(root, "etc"), dataDir: join(root, "var"), runDir: join(root, "run") });
  const evidence = await gatherEvidence(paths, systemClock);
  expect(evidence.programs.conmon).toContain("conmon");
  expect(evidence.probes).toEqual({
    vxlan: undefined,
    ipv6: undefined,
    veth: undefined,
    nftables: undefined,
    sctp: undefined,
    overlay: undefined,
  });
  expect(evidence.freeBytes).toBeGreaterThan(0);
  expect(evidence.membership).toBeUndefined();
});

test("a port that somebody listens on is seen as taken", async () => {
  const { isPortTaken } = await import("./gather.js");
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  expect(await isPortTaken(port)).toBe(true);
  await new Promise((resolve) => server.close(resolve));
  expect(await isPortTaken(port)).toBe(false);
});
