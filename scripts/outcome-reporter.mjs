// A reporter of vitest: writes what a run came to into the file of TALLSHIP_TEST_OUTCOME, in the form that second-run.mjs counts.
import { writeFileSync } from "node:fs";

export default class OutcomeReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const outcome = { files: modules.map(outcomeOf), strayCount: unhandledErrors.length };
    writeFileSync(process.env.TALLSHIP_TEST_OUTCOME, JSON.stringify(outcome));
  }
}

function outcomeOf(module) {
  const tests = [...module.children.allTests()];
  const inState = (state) => tests.filter((test) => test.result().state === state);
  // Of hooks, and of what could not be read.
  const around = [module, ...module.children.allSuites()].flatMap((each) => each.errors());
  return {
    path: module.relativeModuleId,
    passed: inState("passed").map(({ fullName }) => fullName),
    failures: [
      ...inState("failed").map((test) => failureOf(test.fullName, test.result().errors?.[0])),
      ...around.map((error) => failureOf("", error)),
    ],
  };
}

function failureOf(name, error) {
  return { name, message: error?.message ?? "" };
}
