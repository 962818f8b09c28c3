import { describe, expect, test } from "vitest";
import type { Flags } from "./flags.js";
import { parse } from "./parse.js";

const FLAGS = {
  namespace: { type: "text", short: "n", value: "NAME", summary: "" },
  output: { type: "text", short: "o", value: "FORMAT", choices: ["yaml", "json"], summary: "" },
  dryRun: { type: "text", value: "WHERE", bare: "client", summary: "" },
  stdin: { type: "switch", short: "i", summary: "" },
  tty: { type: "switch", short: "t", summary: "" },
  wait: { type: "switch", default: true, summary: "" },
  replicas: { type: "number", value: "N", min: 0, summary: "" },
  since: { type: "duration", value: "TIME", summary: "" },
  filename: { type: "list", short: "f", value: "FILE", summary: "" },
} as const satisfies Flags;

const ABSENT = { stdin: false, tty: false, wait: true, filename: [] };

describe("arguments are read as kubectl reads them", () => {
  const rows = [
    { line: "", flags: {}, operands: [] },
    { line: "pods web-0", flags: {}, operands: ["pods", "web-0"] },
    { line: "-n a pods", flags: { namespace: "a" }, operands: ["pods"] },
    { line: "pods -na", flags: { namespace: "a" }, operands: ["pods"] },
    { line: "pods -n=a", flags: { namespace: "a" }, operands: ["pods"] },
    { line: "--namespace a pods", flags: { namespace: "a" }, operands: ["pods"] },
    { line: "--namespace=a=b pods", flags: { namespace: "a=b" }, operands: ["pods"] },
    { line: "-it web-0", flags: { stdin: true, tty: true }, operands: ["web-0"] },
    { line: "-itn a web-0", flags: { stdin: true, tty: true, namespace: "a" }, operands: ["web-0"] },
    { line: "-oyaml", flags: { output: "yaml" }, operands: [] },
    { line: "-f a -f - --filename=c", flags: { filename: ["a", "-", "c"] }, operands: [] },
    { line: "--wait=false", flags: { wait: false }, operands: [] },
    // A flag with a bare value takes none from the next word.
    { line: "--dry-run pods", flags: { dryRun: "client" }, operands: ["pods"] },
    { line: "--dry-run=server pods", flags: { dryRun: "server" }, operands: ["pods"] },
    { line: "--replicas=3", flags: { replicas: 3 }, operands: [] },
    { line: "--since 90", flags: { since: 90_000 }, operands: [] },
    { line: "--since 1h30m", flags: { since: 5_400_000 }, operands: [] },
    { line: "--since 1.5s", flags: { since: 1_500 }, operands: [] },
    // The last one counts.
    { line: "-n a -n b", flags: { namespace: "b" }, operands: [] },
  ];
  test.each(rows)("$line", ({ line, flags, operands }) => {
    const call = parse(
      line.split(" ").filter((word) => word !== ""),
      FLAGS,
    );
    expect(call.operands).toEqual(operands);
    expect(call.rest).toBeUndefined();
    expect(call.flags).toEqual({
      ...ABSENT,
      namespace: undefined,
      output: undefined,
      dryRun: undefined,
      replicas: undefined,
      since: undefined,
      ...flags,
    });
  });

  test("what follows -- is the command's, flags and all", () => {
    const { operands, rest, flags } = parse(["web-0", "-i", "--", "sh", "-c", "ls -n", "--"], FLAGS);
    expect({ operands, rest, stdin: flags.stdin, namespace: flags.namespace }).toEqual({
      operands: ["web-0"],
      rest: ["sh", "-c", "ls -n", "--"],
      stdin: true,
      namespace: undefined,
    });
  });

  test("flags of kubectl that ask for nothing here are taken, and their values with them", () => {
    const line = [
      "--chunk-size",
      "500",
      "pods",
      "--validate=false",
      "--show-managed-fields",
      "web-0",
      "--field-manager=x",
    ];
    expect(parse(line, FLAGS).operands).toEqual(["pods", "web-0"]);
  });

  test("a list that may stand alone has a value only where one follows", () => {
    const flags = { expose: { type: "list", value: "PORT", bare: "", summary: "" } } as const satisfies Flags;
    expect(parse(["--expose", "80", "--expose", "--expose"], flags).flags.expose).toEqual(["80", "", ""]);
  });

  test("an empty value is a value", () => {
    expect(parse(["--namespace="], FLAGS).flags.namespace).toBe("");
    expect(parse(["-n", ""], FLAGS).flags.namespace).toBe("");
  });
});

describe("wrong arguments are refused", () => {
  const rows = [
    { line: "--namespce a", want: "unknown flag --namespce, did you mean --namespace?" },
    { line: "--xyz", want: "unknown flag --xyz" },
    { line: "--kubeconfig a", want: "--kubeconfig is not offered: the context file is named with --config" },
    { line: "-x", want: "unknown flag -x in -x" },
    { line: "-ix", want: "unknown flag -x in -ix" },
    { line: "-n", want: "-n needs a value: -n NAME" },
    { line: "--replicas", want: "--replicas needs a value: --replicas N" },
    { line: "--replicas=many", want: '--replicas is a whole number from 0, not "many"' },
    { line: "--replicas=-1", want: '--replicas is a whole number from 0, not "-1"' },
    { line: "--since=soon", want: '--since is a time span such as 30s, 5m or 1h30m, not "soon"' },
    { line: "--wait=maybe", want: '--wait is true or false, not "maybe"' },
    { line: "-o html", want: '-o is one of yaml, json, not "html"' },
  ];
  test.each(rows)("$line", ({ line, want }) => {
    expect(() => parse(line.split(" "), FLAGS)).toThrow(want);
  });
});
