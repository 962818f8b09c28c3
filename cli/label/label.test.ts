import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openTsctlBench, type TsctlBench } from "../../test/kit/tsctl-bench.js";
import { fail, objectOf, podText, succeed } from "../../test/kit/tsctl-steps.js";

let bench: TsctlBench;
afterEach(() => bench.close());

describe("label and annotate", () => {
  beforeEach(async () => {
    bench = await openTsctlBench();
    for (const name of ["a", "b"]) await bench.api.create(objectOf(podText(name)));
  });

  const labels = async (name: string): Promise<unknown> =>
    JSON.parse(await succeed(bench, `get pod ${name} -o json`)).metadata.labels;

  test("set, replace and remove, and keep what is not named", async () => {
    expect(await succeed(bench, "label pod a tier=db")).toBe("pod/a labeled\n");
    expect(await labels("a")).toEqual({ app: "web", tier: "db" });
    expect(await succeed(bench, "label pod a tier=db")).toBe("pod/a not labeled\n");
    expect(await succeed(bench, "label --overwrite pod/a tier=web")).toBe("pod/a labeled\n");
    expect(await succeed(bench, "label pod a tier- app-")).toBe("pod/a unlabeled\n");
    expect(await labels("a")).toBeUndefined();
  });

  test("many objects at once: by name, by selector, all", async () => {
    expect(await succeed(bench, "label pods a b x=1")).toBe("pod/a labeled\npod/b labeled\n");
    expect(await succeed(bench, "label pods -l app=web x-")).toBe("pod/a unlabeled\npod/b unlabeled\n");
    expect(await succeed(bench, "label pods --all x=2 -o name")).toBe("pod/a\npod/b\n");
    expect(await succeed(bench, "get pods -L x,app --show-labels")).toContain("2     web   app=web,x=2\n");
  });

  test("a dry run writes nothing and prints what would be", async () => {
    expect(await succeed(bench, "label pod a x=1 --dry-run")).toBe("pod/a labeled (client dry run)\n");
    expect(await succeed(bench, "label pod a x=1 --dry-run=server")).toBe("pod/a labeled (server dry run)\n");
    const printed = await succeed(bench, "label pod a x=1 --dry-run=client -o jsonpath={.metadata.labels.x}");
    expect(printed).toBe("1");
    expect(await labels("a")).toEqual({ app: "web" });
  });

  test("annotations are another map", async () => {
    expect(await succeed(bench, "annotate pod a example.org/why=because")).toBe("pod/a annotated\n");
    expect(await succeed(bench, "annotate pod a --list")).toBe("example.org/why=because\n");
    expect(await succeed(bench, "label pods a b --list")).toBe("pod/a:\napp=web\npod/b:\napp=web\n");
  });

  const refused = [
    { line: "label pod a", code: 2, err: "say what to change: KEY=VALUE sets a label" },
    { line: "label pod a app=db", code: 1, err: "'app' already has a value (web), and --overwrite is false" },
    { line: "label pod a x=1 x-", code: 2, err: "label x is given twice" },
    { line: "label pods x=1", code: 2, err: "name the objects, or select them" },
    { line: "label pod none x=1", code: 3, err: "does not exist" },
    { line: "label pod a x=?", code: 6, err: "metadata.labels.x" },
    { line: "label pod a x=1 b", code: 2, err: '"b" is neither KEY=VALUE nor KEY-' },
  ];
  test.each(refused)("$line", (row) => fail(bench, row));
});
