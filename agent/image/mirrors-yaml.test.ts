import { expect, test } from "vitest";
import { endpointsFor } from "./mirrors.js";
import { parseMirrors } from "./mirrors-yaml.js";

const FILE = `
mirrors:
  docker.io: [https://mirror.example/cache/]
  registry.example:5000:
    endpoints:
      - url: https://10.0.0.2:5000
        ca: /etc/ssl/own.pem
      - {url: http://10.0.0.3, insecure: true}
    fallback: false
  "*":
    - http://10.0.0.1:5000
`;

test("endpoints are asked in the order of the file, then the registry itself", () => {
  const mirrors = parseMirrors(FILE, "r.yaml");
  expect(endpointsFor(mirrors, "docker.io")).toEqual([
    { origin: "https://mirror.example", repositoryPrefix: "cache", caPath: undefined, isUnverified: false },
    { origin: "https://registry-1.docker.io", repositoryPrefix: "", caPath: undefined, isUnverified: false },
  ]);
  expect(endpointsFor(mirrors, "quay.io").map(({ origin }) => origin)).toEqual([
    "http://10.0.0.1:5000",
    "https://quay.io",
  ]);
});

test("without fallback the registry itself is not asked", () => {
  expect(endpointsFor(parseMirrors(FILE, "r.yaml"), "registry.example:5000")).toEqual([
    { origin: "https://10.0.0.2:5000", repositoryPrefix: "", caPath: "/etc/ssl/own.pem", isUnverified: false },
    { origin: "http://10.0.0.3", repositoryPrefix: "", caPath: undefined, isUnverified: true },
  ]);
});

test("a registry on this machine is asked by http", () => {
  for (const host of ["localhost:5000", "127.0.0.1:5000", "[::1]:5000"]) {
    expect(endpointsFor(new Map(), host)[0]?.origin).toBe(`http://${host}`);
  }
  expect(endpointsFor(new Map(), "localhost.example")[0]?.origin).toBe("https://localhost.example");
});

test("an empty file has no mirrors", () => {
  expect(parseMirrors("", "r.yaml").size).toBe(0);
  expect(parseMirrors("# nothing\n", "r.yaml").size).toBe(0);
});

const wrong = [
  { name: "unknown field at the top", text: "mirror: {}\n", want: 'r.yaml:1:1: unknown field "mirror"' },
  { name: "unknown field of an endpoint", text: 'mirrors:\n  "*":\n    - uri: x\n', want: "r.yaml:3:7: unknown field" },
  { name: "no address", text: 'mirrors:\n  "*": [10.0.0.1]\n', want: "r.yaml:2:9: " },
  { name: "another scheme", text: 'mirrors:\n  "*": ["ftp://x"]\n', want: "is no http or https address" },
  { name: "credentials in an address", text: 'mirrors:\n  "*": ["http://a:b@x"]\n', want: "has no credentials" },
  { name: "not a list", text: 'mirrors:\n  "*": http://x\n', want: "r.yaml:2:8: a map is wanted" },
  {
    name: "insecure is text",
    text: 'mirrors:\n  "*": [{url: "http://x", insecure: "no"}]\n',
    want: "neither true nor false",
  },
  { name: "a key twice", text: "mirrors: {}\nmirrors: {}\n", want: "r.yaml:2:1: " },
  { name: "no YAML", text: "mirrors: [\n", want: "r.yaml:" },
  { name: "a host with a path", text: "mirrors:\n  quay.io/x: [http://x]\n", want: "is no registry host" },
  { name: "no value", text: "mirrors:\n  quay.io:\n", want: "r.yaml:2:11: a map is wanted" },
];

for (const { name, text, want } of wrong) {
  test(`refused with its position: ${name}`, () => {
    expect(() => parseMirrors(text, "r.yaml")).toThrow(want);
  });
}
