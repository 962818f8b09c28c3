import { expect, test } from "vitest";
import { parse } from "yaml";
import { type ContextFile, checkContextFile, formatContextFile } from "./context-file.js";

const PEM = "-----BEGIN CERTIFICATE-----\nAAAA\nBBBB\n-----END CERTIFICATE-----\n";
const FILE: ContextFile = {
  current: "home",
  contexts: [
    { name: "home", servers: ["10.0.0.1:7443", "[::1]:7443"], ca: PEM, cert: PEM, key: PEM, namespace: "web" },
    { name: "off: #", servers: ["a:1"], ca: PEM, cert: PEM, key: PEM, namespace: undefined },
  ],
};

test("a file that was written reads back", () => {
  expect(checkContextFile(parse(formatContextFile(FILE)), "f")).toEqual(FILE);
  const empty = { current: "", contexts: [] };
  expect(checkContextFile(parse(formatContextFile(empty)), "f")).toEqual(empty);
});

const broken = [
  { name: "empty", value: null, want: "read f: want current and contexts" },
  { name: "no current", value: { contexts: [] }, want: "read f: current is not the name of a context" },
  { name: "no list", value: { current: "a", contexts: {} }, want: "read f: contexts is not a list" },
  {
    name: "no server",
    value: { current: "a", contexts: [{ name: "a", servers: [] }] },
    want: "read f: contexts[0].servers is not a list of host:port",
  },
  {
    name: "no key",
    value: { current: "a", contexts: [{ name: "a", servers: ["b"], ca: "c", cert: "d" }] },
    want: "read f: contexts[0].key is missing",
  },
];

test.each(broken)("a broken file is refused: $name", ({ value, want }) => {
  expect(() => checkContextFile(value, "f")).toThrow(want);
});
