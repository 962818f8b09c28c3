import { expect, test } from "vitest";
import type { OciProcess } from "../../oci/oci-types.js";
import type { ExecSpec } from "../runtime.js";
import { execProcess, shellExitCode } from "./exec.js";

const none = { bounding: [], effective: [], permitted: [] };
const inherited: OciProcess = {
  terminal: false,
  user: { uid: 7, gid: 8, additionalGids: [9] },
  args: ["serve"],
  env: ["PATH=/bin", "A=1"],
  cwd: "/srv",
  capabilities: none,
  noNewPrivileges: true,
};
const spec: ExecSpec = { command: ["ls"], hasTerminal: false, hasStdin: false, size: undefined };

// What a command has of its own goes before what its container's first process has.
const rows = [
  {
    name: "nothing of its own",
    of: {},
    want: { args: ["ls"], cwd: "/srv", env: ["PATH=/bin", "A=1"], user: { uid: 7 } },
  },
  { name: "a folder", of: { changes: { workingDir: "/tmp" } }, want: { cwd: "/tmp" } },
  { name: "variables", of: { changes: { env: ["A=2", "B=3=4"] } }, want: { env: ["PATH=/bin", "A=2", "B=3=4"] } },
  { name: "a user", of: { changes: { user: { uid: 0, gid: 0 } } }, want: { user: { uid: 0, gid: 0 } } },
  {
    name: "a terminal",
    of: { hasTerminal: true, size: { width: 80, height: 24 } },
    want: { terminal: true, env: ["PATH=/bin", "A=1", "TERM=xterm"], consoleSize: { width: 80, height: 24 } },
  },
  {
    name: "a terminal that is named",
    of: { hasTerminal: true, changes: { env: ["TERM=vt100"] } },
    want: { env: ["PATH=/bin", "A=1", "TERM=vt100"] },
  },
];

test.each(rows)("exec with $name", ({ of, want }) => {
  expect(execProcess(inherited, { ...spec, ...of })).toMatchObject(want);
});

test("another user does not get the groups of the first", () => {
  expect(execProcess(inherited, { ...spec, changes: { user: { uid: 1, gid: 1 } } })).toMatchObject({
    user: expect.not.objectContaining({ additionalGids: [9] }),
  });
});

// What crun 1.8 and runc 1.1 say, and what a command of one's own may.
const exits = [
  { code: 255, said: "executable file `nosuch` not found in $PATH: No such file or directory\n", want: 127 },
  { code: 255, said: "open executable: Permission denied\n", want: 126 },
  {
    code: 255,
    said: 'exec failed: unable to start container process: exec: "x": executable file not found in $PATH',
    want: 127,
  },
  { code: 255, said: 'exec failed: unable to start container process: exec: "/x": permission denied', want: 126 },
  { code: 255, said: "ls: x: No such file or directory\n", want: 255 },
  { code: 255, said: "", want: 255 },
  { code: 1, said: "executable file `nosuch` not found in $PATH", want: 1 },
];

test.each(exits)("an exec that ends with $code and says $said has ended with $want", ({ code, said, want }) => {
  expect(shellExitCode(code, said)).toBe(want);
});
