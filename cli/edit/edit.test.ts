import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openTsctlBench, type TsctlBench } from "../../test/kit/tsctl-bench.js";
import { objectOf, succeed, WEB } from "../../test/kit/tsctl-steps.js";

let bench: TsctlBench;
afterEach(() => bench.close());

const edit = (line: string, ...edits: readonly ((text: string) => string)[]) => bench.run(line.split(" "), { edits });
const FILE = "/tmp/edit.yaml";

describe("edit", () => {
  beforeEach(async () => {
    bench = await openTsctlBench();
    await bench.api.create(objectOf(WEB));
    await bench.api.create(objectOf(WEB.replace("name: web", "name: db")));
  });

  test("writes what was changed and removes its file", async () => {
    const ran = await edit("edit deploy web", (text) => text.replace("replicas: 2", "replicas: 4"));
    expect(ran).toEqual({ code: 0, out: "deployment.apps/web edited\n", err: "" });
    expect(await succeed(bench, "get deploy web -o jsonpath={.spec.replicas}")).toBe("4");
    expect(bench.files.has(FILE)).toBe(false);
  });

  test("a field that is accepted without effect is named when the edit brings it, and not again", async () => {
    const told = /^warning: spec\.template\.spec\.runtimeClassName: accepted, not enforced: /;
    const brings = (text: string): string =>
      text.replace("      containers:", "      runtimeClassName: x\n      containers:");
    expect((await edit("edit deploy/web", brings)).err).toMatch(told);
    expect((await edit("edit deploy/web", (text) => text.replace("replicas: 2", "replicas: 3"))).err).toBe("");
  });

  test("several objects are one file, and only those that differ are written", async () => {
    const ran = await edit("edit deploy web db", (text) => text.replace("replicas: 2", "replicas: 4"));
    expect(ran.out).toBe("deployment.apps/web edited\n");
  });

  test("nothing changed is nothing done", async () => {
    const ran = await edit("edit deploy/web", (text) => `# a comment\n${text}`);
    expect(ran).toEqual({ code: 0, out: "", err: "Edit cancelled, no changes made.\n" });
  });

  test("what is wrong is said in the file, which opens again until it is right", async () => {
    const seen: string[] = [];
    const ran = await edit(
      "edit deploy/web",
      (text) => text.replace("replicas: 2", "replicsa: 2"),
      (text) => {
        seen.push(text);
        return text.replace("replicsa: 2", "replicas: -1");
      },
      (text) => {
        seen.push(text);
        return text.replace("replicas: -1", "replicas: 1");
      },
    );
    expect(seen[0]).toContain('did you mean "replicas"?');
    expect(seen[1]).toMatch(/^# .*spec\.replicas/m);
    expect(ran.out).toBe("deployment.apps/web edited\n");
  });

  test("given up after an error, the text is kept", async () => {
    const ran = await edit(
      "edit deploy/web",
      (text) => text.replace("name: web", "name: other"),
      (text) => text,
    );
    expect(ran.err).toContain("Edit cancelled, no valid changes were saved.\n");
    expect(ran.code).toBe(1);
    expect(bench.files.get(FILE)).toContain("name: other");
  });

  test("a conflict keeps the text in a file and says where", async () => {
    // Somebody else writes while the editor is open.
    const ran = bench.run(["edit", "deploy/web"], {
      edits: [
        (text) => text.replace("replicas: 2", "replicas: 4").replace(/resourceVersion: "\d+"/, 'resourceVersion: "1"'),
      ],
    });
    const { code, err } = await ran;
    expect(err).toContain("read version 1");
    expect(err).toContain(`A copy of your changes has been stored to "${FILE}"\n`);
    expect(code).toBe(4);
    expect(bench.files.get(FILE)).toContain("replicas: 4");
  });
});
