// The order in which vitest begins test files: those that take longest first, so that none of them runs alone at the end.
import { statSync } from "node:fs";

/** Files of tests that take longest where they run side by side, the longest first. */
export const LONGEST = [
  "test/e2e/network-faults.test.ts",
  "test/e2e/host-faults.test.ts",
  "test/e2e/dual-stack.test.ts",
  "test/e2e/survival.test.ts",
  "test/e2e/docker-verbs.test.ts",
  "test/e2e/rollouts.test.ts",
  "test/e2e/readdress.test.ts",
  "test/e2e/compose.test.ts",
  "test/e2e/operator.test.ts",
  "test/e2e/batch.test.ts",
  "test/e2e/encrypted.test.ts",
  "test/e2e/networks.test.ts",
  "test/e2e/pressure.test.ts",
  "agent/crash-steps.real.test.ts",
  "controlplane/store/etcd.real.test.ts",
  "net/policy.real.test.ts",
  "net/networks/networks-ipv6.real.test.ts",
  "net/dual-stack.real.test.ts",
  "net/spoofing.real.test.ts",
];

/** What vitest orders files by. The others follow by their size: what is long to read takes longer as a rule. */
export class LongestFirst {
  async sort(files) {
    const size = new Map(files.map(({ moduleId }) => [moduleId, statSync(moduleId).size]));
    const rank = ({ moduleId }) => {
      const at = LONGEST.findIndex((path) => moduleId.endsWith(`/${path}`));
      return at < 0 ? LONGEST.length : at;
    };
    return [...files].sort((a, b) => rank(a) - rank(b) || size.get(b.moduleId) - size.get(a.moduleId));
  }

  async shard(files) {
    return files;
  }
}
