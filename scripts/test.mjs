// Sets up, then runs the tests in stages; ends with one line: N passed, N failed. `node scripts/test.mjs [unit|real|sim|cluster|long]…`
import { spawnSync } from "node:child_process";
import { randomInt } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { filesToRunAgain, SECOND_RUNS_MS, settle } from "./second-run.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const EVERY_CHANGE = ["unit", "real", "sim", "cluster"];
const asked = process.argv.slice(2);
const stages = asked.length > 0 ? asked : EVERY_CHANGE;
// A change is held to the same properties each time; the long run looks for what those leave out.
const seed = process.env["TALLSHIP_SEED"] ?? (stages.includes("long") ? `${randomInt(2 ** 31)}` : undefined);
if (seed !== undefined) console.log(`TALLSHIP_SEED=${seed}`);
const results = mkdtempSync(join(tmpdir(), "tallship-test-"));

/** Runs one stage; returns how many tests passed and failed. A stage that ran no test has failed. */
function runStage(stage) {
  const startedAt = performance.now();
  const first = runTests(stage);
  const again = runAgain(stage, filesToRunAgain(stage, first));
  const { passed, failed, told } = settle(first, again);
  for (const line of told) console.log(line);
  console.log(
    `${stage}: ${passed} passed, ${failed} failed in ${Math.round((performance.now() - startedAt) / 1000)} s`,
  );
  return { passed, failed };
}

/** Each file alone, one after the other. What one failure makes certain is not waited for. */
function runAgain(stage, files) {
  const startedAt = performance.now();
  const outcomes = new Map();
  for (const file of files) {
    if (performance.now() - startedAt > SECOND_RUNS_MS) break;
    console.log(`${stage}: once more, alone: ${file}`);
    outcomes.set(file, runTests(stage, [join(root, file), "--bail=1"]));
  }
  return outcomes;
}

function runTests(stage, words = []) {
  const output = join(results, `${stage}.json`);
  rmSync(output, { force: true });
  const vitest = join(root, "node_modules/vitest/vitest.mjs");
  const reporters = ["--reporter=dot", `--reporter=${join(root, "scripts/outcome-reporter.mjs")}`];
  const { status } = spawnSync(process.execPath, [vitest, "run", "--project", stage, ...reporters, ...words], {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
    env: {
      ...process.env,
      NODE_EXTRA_CA_CERTS: undefined,
      NO_COLOR: "1",
      TALLSHIP_TEST_OUTCOME: output,
      ...(seed !== undefined && { TALLSHIP_SEED: seed }),
    },
  });
  return read(output, status);
}

function read(output, status) {
  try {
    const outcome = JSON.parse(readFileSync(output, "utf8"));
    const hasFailed = outcome.strayCount > 0 || outcome.files.some(({ failures }) => failures.length > 0);
    return status === 0 || hasFailed ? outcome : { ...outcome, strayCount: 1 };
  } catch {
    return { files: [], strayCount: 1 };
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
