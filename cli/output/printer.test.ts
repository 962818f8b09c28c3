import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openTsctlBench, type TsctlBench } from "../../test/kit/tsctl-bench.js";
import { objectOf, podText } from "../../test/kit/tsctl-steps.js";

let bench: TsctlBench;
afterEach(() => bench.close());

describe("formats of get", () => {
  beforeEach(async () => {
    bench = await openTsctlBench();
    for (const name of ["web-10", "web-9"]) await bench.api.create(objectOf(podText(name)));
    bench.files.set("path.txt", '{range .items[*]}{.metadata.name}{"\\n"}{end}');
    bench.files.set("go.txt", "{{upper .metadata.name}}");
    bench.files.set("columns.txt", "WHO   HOST\n.metadata.name   .spec.nodeName\n");
  });

  const rows: readonly { readonly line: readonly string[]; readonly want: string }[] = [
    { line: ["-o", "jsonpath={.items[*].metadata.name}"], want: "web-10 web-9" },
    { line: ["web-9", "-o", "jsonpath={.metadata.name}"], want: "web-9" },
    { line: ["web-9", "-o", "jsonpath=.metadata.name"], want: "web-9" },
    { line: ["-o=jsonpath-file=path.txt"], want: "web-10\nweb-9\n" },
    {
      line: ["-o", "custom-columns=NAME:.metadata.name,IMAGES:.spec.containers[*].image,NO:.spec.none"],
      want: "NAME     IMAGES   NO\nweb-10   i,i      <none>\nweb-9    i,i      <none>\n",
    },
    {
      line: ["-o", "jsonpath-as-json={.items[*].metadata.name}"],
      want: '[\n    "web-10",\n    "web-9"\n]\n',
    },
    { line: ["-o", "custom-columns-file=columns.txt"], want: "WHO      HOST\nweb-10   host1\nweb-9    host1\n" },
    { line: ["-o", "custom-columns=N:{.metadata.name}", "--no-headers"], want: "web-10\nweb-9\n" },
    {
      line: ["-o", "go-template={{range .items}}{{.metadata.name}} {{.spec.none.no}};{{end}}"],
      want: "web-10 <no value>;web-9 <no value>;",
    },
    { line: ["web-9", "-o", "go-template-file=go.txt"], want: "WEB-9" },
    { line: ["web-9", "--template", "{{len .spec.containers}}"], want: "2" },
    { line: ["web-9", "-o", "jsonpath", "--template={.metadata.name}"], want: "web-9" },
    { line: ["--sort-by=.metadata.name", "-o", "name"], want: "pod/web-9\npod/web-10\n" },
    {
      line: ["--sort-by", "{.metadata.name}", "--no-headers", "-o", "jsonpath={.items[0].metadata.name}"],
      want: "web-9",
    },
  ];
  test.each(rows)("$line", async ({ line, want }) => {
    expect(await bench.run(["get", "pods", ...line])).toEqual({ code: 0, out: want, err: "" });
  });

  const refused: readonly { readonly line: readonly string[]; readonly want: string }[] = [
    { line: ["-o", "go-template={{.a"], want: "template: {{ is not closed" },
    { line: ["-o", "yaml", "--template={{.a}}"], want: "--template goes with -o go-template, jsonpath" },
    { line: ["-o", "yml"], want: "did you mean yaml?" },
    { line: ["-o", "jsonpath"], want: "-o jsonpath needs a value" },
    { line: ["-o", "custom-columns=NAME"], want: '"NAME" is not HEADING:.path.of.field' },
    { line: ["--sort-by=.none"], want: '--sort-by: no object has the field ".none"' },
  ];
  test.each(refused)("refuses $line", async ({ line, want }) => {
    const { code, err } = await bench.run(["get", "pods", ...line]);
    expect(err).toContain(want);
    expect(code).toBe(2);
  });
});
