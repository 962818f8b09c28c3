import { expect, test } from "vitest";
import type { OciProcess } from "../../oci/oci-types.js";
import type { ExecSpec } from "../runtime.js";
import { execProcess } from "./exec.js";

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
