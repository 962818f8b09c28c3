import { expect, test } from "vitest";
import { signalNumber } from "../signals.js";
import { createFailure, parseAnswer } from "./conmon-answer.js";

const key = { podUid: "u1", container: "web", attempt: 0 };

// What conmon has been seen to print, with and without words of mount or conmon before it.
const answers = [
  { text: '{"data": 4242}\n', want: { is: "created", pid: 4242 } },
  { text: 'warning: something\n{"data":7}\n', want: { is: "created", pid: 7 } },
  { text: '{"data": -1, "message": "crun: no\\n"}\n', want: { is: "failed", message: "crun: no" } },
  { text: "mount: wrong fs type\n", want: { is: "failed", message: "mount: wrong fs type" } },
  { text: "", want: { is: "failed", message: "conmon did not answer" } },
  { text: '{"data": broken', want: { is: "failed", message: '{"data": broken' } },
] as const;

for (const { text, want } of answers) {
  test(`conmon says ${JSON.stringify(text)}`, () => {
    expect(parseAnswer(text)).toEqual(want);
  });
}

// crun's and runc's words for a command that is not there, and for other things.
const failures = [
  { text: "executable file `nosuch` not found in $PATH: No such file or directory", code: "command_not_found" },
  { text: 'exec: "nosuch": executable file not found in $PATH: unknown', code: "command_not_found" },
  { text: "exec /bin/x: Permission denied", code: "command_not_found" },
  { text: "cannot setns `/run/x`: Invalid argument", code: "runtime_failed" },
] as const;

for (const { text, code } of failures) {
  test(`"${text.slice(0, 40)}" is ${code}`, () => {
    expect(createFailure(key, text).code).toBe(code);
  });
}

const signals = [
  ["SIGTERM", 15],
  ["TERM", 15],
  ["9", 9],
  ["SIGRTMIN+3", 37],
  ["RTMIN", 34],
  ["SIGNONSENSE", 15],
] as const;

for (const [name, want] of signals) {
  test(`signal ${name} is ${want}`, () => {
    expect(signalNumber(name)).toBe(want);
  });
}
