import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { execUser } from "./exec-user.js";

const folder = mkdtempSync(join(tmpdir(), "exec-user-"));
const root = join(folder, "root");
mkdirSync(join(root, "etc"), { recursive: true });
writeFileSync(join(folder, "secret"), "host:x:4242:4242::/:\n");
writeFileSync(join(root, "etc/passwd"), "root:x:0:0::/root:\nann:x:1000:100::/home/ann:\n");
writeFileSync(join(root, "etc/group"), "users:x:100:\nstaff:x:50:ann\n");
afterAll(() => rmSync(folder, { recursive: true }));

// Names and numbers, alone and mixed; who names a group has that one alone, as with Docker.
const rows = [
  { text: "", want: undefined },
  { text: "ann", want: { uid: 1000, gid: 100, additionalGids: [50] } },
  { text: "ann:staff", want: { uid: 1000, gid: 50, additionalGids: [] } },
  { text: "1000", want: { uid: 1000, gid: 100, additionalGids: [50] } },
  { text: "7", want: { uid: 7, gid: 0, additionalGids: [] } },
  { text: "7:8", want: { uid: 7, gid: 8, additionalGids: [] } },
];

for (const { text, want } of rows) test(`exec as "${text}"`, () => expect(execUser(text, root)).toEqual(want));

test("who is not in the container is refused by name, and a file that leads out of it is not followed", () => {
  expect(() => execUser("bob", root)).toThrow("user bob");
  expect(() => execUser("ann:wheel", root)).toThrow("group wheel");
  expect(() => execUser("a b", root)).toThrow("USER[:GROUP]");
  rmSync(join(root, "etc/passwd"));
  symlinkSync(join(folder, "secret"), join(root, "etc/passwd"));
  expect(() => execUser("host", root)).toThrow("user host");
});
