// What becomes of test files that failed: which of them run once more, and how the two runs count. Pure.

/** Stages whose tests share the machine with each other, and so may fail for what happens beside them. */
const STAGES = ["real", "cluster"];
/** More files that fail at once do so for a reason. */
const MOST_FILES = 5;
/** No second run is begun after so long. */
export const SECOND_RUNS_MS = 180_000;

/**
 * A test that failed; the name is empty for a file that could not be read, or whose hooks failed.
 * @typedef {{ name: string, message: string }} Failure
 *
 * What one run of a file came to.
 * @typedef {{ path: string, passed: string[], failures: Failure[] }} FileOutcome
 *
 * What one run of vitest came to. Stray failures belong to no test: nothing makes them good.
 * @typedef {{ files: FileOutcome[], strayCount: number }} Outcome
 */

/**
 * The files of a stage that run once more, in order: those that failed, unless they are too many for chance, or the stage has failed anyhow.
 * @param {string} stage
 * @param {Outcome} outcome
 * @returns {string[]}
 */
export function filesToRunAgain(stage, { files, strayCount }) {
  const failed = files.filter(({ failures }) => failures.length > 0).map(({ path }) => path);
  const isHopeful = STAGES.includes(stage) && failed.length <= MOST_FILES && strayCount === 0;
  return isHopeful ? failed.sort() : [];
}

/**
 * How a stage counts, and a line to tell for each test that passed the second time. A file that ran again counts as it went then.
 * @param {Outcome} first
 * @param {ReadonlyMap<string, Outcome>} again By path.
 * @returns {{ passed: number, failed: number, told: string[] }}
 */
export function settle(first, again) {
  const files = first.files.map((file) => ({ file, last: lastOf(file, again.get(file.path)) }));
  const sum = (count) => files.reduce((total, { last }) => total + count(last), 0);
  return {
    passed: sum(({ passed }) => passed.length),
    failed: sum(({ failures }) => failures.length) + first.strayCount,
    told: files.flatMap(({ file, last }) => (last.failures.length === 0 ? file.failures.map(line(file.path)) : [])),
  };
}

const line = (path) => (failure) =>
  `passed only when run again: ${path}${failure.name && ` > ${failure.name}`}\n  the first time: ${failure.message.split("\n")[0]}`;

/** The file as it counts: every test that failed the first time has to pass the second, and none other to fail. */
function lastOf(file, second) {
  const own = second?.files.find(({ path }) => path === file.path);
  if (own === undefined) return file;
  const stray = Array.from({ length: second.strayCount }, () => ({ name: "", message: "a failure beside its tests" }));
  const isSettled = ({ name }) =>
    own.failures.some((failure) => failure.name === name) ||
    (name === "" ? own.passed.length > 0 : own.passed.includes(name));
  return { ...own, failures: [...own.failures, ...stray, ...file.failures.filter((each) => !isSettled(each))] };
}
