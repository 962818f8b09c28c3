import { describe, expect, test } from "vitest";
import { toJson } from "./encode.js";
import { problemText } from "./problem.js";
import { type ReadResult, readObjects } from "./read.js";
import { parseYaml } from "./yaml/parse.js";
import { stripBom } from "./yaml/source.js";

function read(text: string): ReadResult {
  return readObjects([parseYaml({ name: "a.yaml", text })], { namespace: "default", isNamespaceAsked: false });
}

function problemsOf(text: string): readonly string[] {
  return read(text).problems.map(problemText);
}

const POD_HEAD = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n";
const CONTAINER = "  containers:\n  - name: c\n    image: i:1\n";

describe("the traps of YAML", () => {
  function dataOf(text: string): unknown {
    const result = read(`apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n${text}`);
    expect(result.problems.map(problemText)).toEqual([]);
    return result.objects.map(({ typed }) => toJson(typed)["data"]).at(0);
  }

  const rows: { name: string; text: string; want: Readonly<Record<string, string>> }[] = [
    { name: "on and yes are strings", text: "data: {a: on, b: yes, c: n}", want: { a: "on", b: "yes", c: "n" } },
    { name: "flow style with a trailing comma", text: "data: {a: x, b: y,}", want: { a: "x", b: "y" } },
    { name: "numbers as keys", text: 'data: {8080: "x", 1.10: y}', want: { "8080": "x", "1.10": "y" } },
    { name: "no final newline", text: "data:\n  a: x", want: { a: "x" } },
    { name: "CRLF", text: "data:\r\n  a: x\r\n  b: |\r\n    one\r\n    two\r\n", want: { a: "x", b: "one\ntwo\n" } },
    {
      name: "a document separator in a block scalar",
      text: "data:\n  a: |\n    x\n    ---\n    y\n",
      want: { a: "x\n---\ny\n" },
    },
    { name: "tabs between values and in texts", text: 'data: {a:\t"x\ty",\tb: z}', want: { a: "x\ty", b: "z" } },
    { name: "a key of an octal look", text: 'data: {0755: "x"}', want: { "0755": "x" } },
    { name: "anchors", text: "data: {a: &x hi, b: *x}", want: { a: "hi", b: "hi" } },
    { name: "an empty value of a map", text: "data:\n  a:\n", want: { a: "" } },
    { name: "a tag of string", text: "data: {a: !!str 123}", want: { a: "123" } },
    { name: "a date is a string", text: "data: {a: 2026-01-31}", want: { a: "2026-01-31" } },
    { name: "a time of day is a string", text: "data: {a: 12:30:45}", want: { a: "12:30:45" } },
    { name: "folded text", text: "data:\n  a: >-\n    x\n    y\n", want: { a: "x y" } },
    {
      name: "constructor is a key like any other",
      text: "data: {constructor: x, toString: y}",
      want: Object.fromEntries([
        ["constructor", "x"],
        ["toString", "y"],
      ]),
    },
  ];

  test.each(rows)("$name", ({ text, want }) => {
    expect(dataOf(text)).toEqual(want);
  });

  test("merge keys: the map's own entries win, then the earlier merge", () => {
    const text = ["data:", "  <<: [{a: one, b: one}, {b: two, c: two}]", "  a: own"].join("\n");
    expect(dataOf(text)).toEqual({ b: "one", c: "two", a: "own" });
  });

  test("a leading zero means octal in a number, as in Kubernetes", () => {
    const text = `${POD_HEAD}${CONTAINER}  volumes: [{name: v, configMap: {name: c, defaultMode: 0400}}]\n`;
    const { objects, problems } = read(text);
    expect(problems).toEqual([]);
    expect(JSON.stringify(objects.map(({ typed }) => toJson(typed)))).toContain('"defaultMode":256');
  });

  test("an unquoted yes is true where only true and false can stand", () => {
    const { objects, problems } = read(`${POD_HEAD}${CONTAINER}  hostNetwork: yes\n`);
    expect(problems).toEqual([]);
    expect(JSON.stringify(objects.map(({ typed }) => toJson(typed)))).toContain('"hostNetwork":true');
  });

  test("a byte order mark before the first document and after a separator", () => {
    const text = stripBom(
      "\uFEFFapiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n---\n\uFEFFapiVersion: v1\nkind: Secret\nmetadata: {name: s}\n\uFEFF---\napiVersion: v1\nkind: Pod\n",
    );
    const { objects, problems } = read(text);
    expect(problems.map(problemText)).toEqual([
      "a.yaml:9:1: metadata.name: this field is required",
      "a.yaml:9:1: spec: this field is required",
    ]);
    expect(objects.map(({ typed }) => typed.kind)).toEqual(["ConfigMap", "Secret", "Pod"]);
  });

  test("500 KB of merges are read in bounded time", () => {
    const row = (at: number): string =>
      `- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: c${at}}\n  data:\n    <<: *base\n    n: "${at}"\n`;
    const items = Array.from({ length: 6_000 }, (_, at) => row(at));
    const text = `apiVersion: v1\nkind: List\nmetadata: {}\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: base}\n  data: &base {a: one, b: two}\n${items.join("")}`;
    expect(text.length).toBeGreaterThan(500_000);
    const startedAt = performance.now();
    const { objects, problems } = read(text);
    expect(problems.map(problemText)).toEqual([]);
    expect(objects).toHaveLength(6_001);
    // The yaml package alone blocks for more than half a minute on a file like this one.
    expect(performance.now() - startedAt).toBeLessThan(15_000);
  });

  test("JSON, with tabs", () => {
    const text =
      '{\n\t"apiVersion": "v1",\n\t"kind": "ConfigMap",\n\t"metadata": {"name": "c"},\n\t"data": {"a": "\\ud83d\\ude00\\/"}\n}\n';
    const { objects, problems } = read(text);
    expect(problems.map(problemText)).toEqual([]);
    expect(objects.map(({ typed }) => toJson(typed)["data"])).toEqual([{ a: "😀/" }]);
  });

  test("a typed list whose items leave kind and version out", () => {
    const text = "apiVersion: v1\nkind: ConfigMapList\nitems: [{metadata: {name: a}}, {metadata: {name: b}}]\n";
    const { objects, problems } = read(text);
    expect(problems).toEqual([]);
    expect(objects.map(({ typed }) => typed.object.metadata?.name)).toEqual(["a", "b"]);
  });

  test("empty documents and comments are nothing", () => {
    expect(read("# nothing\n---\n---\n\n...\n").objects).toEqual([]);
    expect(read("").problems).toEqual([]);
  });
});

describe("hostile text ends in one error, soon", () => {
  const bomb = Array.from(
    { length: 30 },
    (_, level) => `a${level}: &a${level} [${level === 0 ? "x" : `*a${level - 1},*a${level - 1}`}]`,
  );
  const merges = Array.from(
    { length: 4_000 },
    (_, at) => `m${at}: &m${at}\n  ${at === 0 ? "" : `<<: *m${at - 1}\n  `}k${at}: v`,
  );
  const rows = [
    { name: "an alias bomb", text: bomb.join("\n"), want: /aliases and merges expand to more than 1000000 values/ },
    {
      name: "a bomb of merges",
      text: merges.join("\n"),
      want: /aliases and merges expand to more than 1000000 values/,
    },
    {
      name: "a bomb of one long text",
      text: `a: &a ${"x".repeat(1_000_000)}\nb: [${"*a,".repeat(1_000)}]`,
      want: /expand to more than/,
    },
    { name: "deep flow", text: "[".repeat(20_000), want: /nested deeper than 64 levels/ },
    { name: "deep blocks", text: "- ".repeat(20_000), want: /nested deeper than 64 levels/ },
    { name: "a file too large", text: " ".repeat(33_554_433), want: /larger than 33554432 bytes/ },
  ];

  test.each(rows)("$name", ({ text, want }) => {
    const [first, ...rest] = problemsOf(text);
    expect(first).toMatch(want);
    expect(rest).toEqual([]);
  });
});
