// Sets up, then runs the tests in stages; ends with one line: N passed, N failed. `node scripts/test.mjs [unit|real|sim|cluster|long]…`
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const EVERY_CHANGE = ["unit", "real", "sim", "cluster"];
const asked = process.argv.slice(2);
const stages = asked.length > 0 ? asked : EVERY_CHANGE;
const results = mkdtempSync(join(tmpdir(), "tallship-test-"));

/** Runs one stage; returns how many tests passed and failed. A stage that ran no test has failed. */
function runStage(stage) {
  const startedAt = performance.now();
  const output = join(results, `${stage}.json`);
  const vitest = join(root, "node_modules/vitest/vitest.mjs");
  const reporters = ["--reporter=dot", "--reporter=json", `--outputFile.json=${output}`];
  const { status } = spawnSync(process.execPath, [vitest, "run", "--project", stage, ...reporters], {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, NODE_EXTRA_CA_CERTS: undefined, NO_COLOR: "1" },
  });
  const { passed, failed } = count(output, status);
  console.log(
    `${stage}: ${passed} passed, ${failed} failed in ${Math.round((performance.now() - startedAt) / 1000)} s`,
  );
  return { passed, failed };
}

function count(output, status) {
  try {
    const report = JSON.parse(readFileSync(output, "utf8"));
    const brokenFiles = report.testResults.filter(
      (file) => file.status === "failed" && file.assertionResults.length === 0,
    ).length;
    const failed = report.numFailedTests + brokenFiles;
    return { passed: report.numPassedTests, failed: failed === 0 && status !== 0 ? 1 : failed };
  } catch {
    return { passed: 0, failed: 1 };
  }
}

const setup = spawnSync(process.execPath, [join(root, "scripts/setup.mjs")], { cwd: root, stdio: "inherit" });
if (setup.status !== 0) process.exit(1);
const check = spawnSync(process.execPath, [join(root, "scripts/check.mjs")], { cwd: root, stdio: "inherit" });
const total = { passed: check.status === 0 ? 1 : 0, failed: check.status === 0 ? 0 : 1 };
for (const stage of stages) {
  const { passed, failed } = runStage(stage);
  total.passed += passed;
  total.failed += failed;
}
rmSync(results, { recursive: true, force: true });
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exit(total.failed === 0 ? 0 : 1);
