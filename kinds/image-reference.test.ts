import fc from "fast-check";
import { expect, test } from "vitest";
import { formatReference, isImageName, manifestKey, parseReference } from "./image-reference.js";

const D = `sha256:${"0123456789abcdef".repeat(4)}`;

// Spellings that people use, and what Docker makes of them.
const rows: readonly (readonly [text: string, want: string])[] = [
  ["busybox", "docker.io/library/busybox:latest"],
  ["busybox:1.36", "docker.io/library/busybox:1.36"],
  ["library/busybox", "docker.io/library/busybox:latest"],
  ["grafana/grafana:10", "docker.io/grafana/grafana:10"],
  ["docker.io/busybox", "docker.io/library/busybox:latest"],
  ["index.docker.io/busybox", "docker.io/library/busybox:latest"],
  ["localhost/app", "localhost/app:latest"],
  ["localhost:5000/app", "localhost:5000/app:latest"],
  ["registry:5000/a/b/c:v1", "registry:5000/a/b/c:v1"],
  ["registry.example/app", "registry.example/app:latest"],
  ["127.0.0.1:5000/app", "127.0.0.1:5000/app:latest"],
  ["[::1]:5000/app:x", "[::1]:5000/app:x"],
  ["HOST/app", "HOST/app:latest"], // An upper-case first part can only be a host.
  ["host/app", "docker.io/host/app:latest"],
  [`busybox@${D}`, `docker.io/library/busybox@${D}`],
  [`registry:5000/a:v1@${D}`, `registry:5000/a:v1@${D}`],
  ["a__b/c-d.e--f:V_1.0-x", "docker.io/a__b/c-d.e--f:V_1.0-x"],
];

for (const [text, want] of rows) {
  test(`${text} is ${want}`, () => {
    expect(formatReference(parseReference(text))).toBe(want);
  });
}

const malformed: readonly (readonly [text: string, want: string])[] = [
  ["", "has the name"],
  ["Busybox", "names are lower case"],
  ["a/B", "names are lower case"],
  ["busybox:", 'has the tag ""'],
  ["busybox:-x", 'has the tag "-x"'],
  [`busybox:${"x".repeat(129)}`, "has the tag"],
  ["busybox@sha256:12", "has the digest"],
  [`busybox@${D.toUpperCase()}`, "has the digest"],
  ["busybox@md5:d41d8cd98f00b204e9800998ecf8427e", "sha256:<64 hex digits> is supported"],
  [`busybox@${D}@${D}`, "more than one @"],
  ["host:99999/app", 'has the registry "host:99999"'],
  ["host:x/app", 'has the registry "host:x"'],
  ["-host.example/app", "has the registry"],
  ["http://host/app", 'has the registry "http:"'],
  ["a//b", "has the name"],
  ["a/../b", "has the name"],
  ["../b", 'has the registry ".."'],
  ["a..b", "has the name"],
  ["a b", "has the name"],
  ["x".repeat(256), "has the name"],
  ["x".repeat(600), "longer than 512"],
];

for (const [text, want] of malformed) {
  test(`${JSON.stringify(text.slice(0, 40))} is malformed`, () => {
    expect(() => parseReference(text)).toThrow(want);
    expect(() => parseReference(text)).toThrow(expect.objectContaining({ code: "invalid_argument" }));
  });
}

test("what is formatted is parsed to the same", () => {
  const part = fc.stringMatching(/^[a-z0-9]{1,8}$/);
  const reference = fc.record({
    host: fc.constantFrom("docker.io", "localhost", "r.example", "r.example:5000", "[::1]:80"),
    repository: fc.array(part, { minLength: 2, maxLength: 4 }).map((parts) => parts.join("/")),
    tag: fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,9}$/),
    digest: fc.constantFrom(undefined, D),
  });
  fc.assert(
    fc.property(reference, (want) => {
      expect(parseReference(formatReference(want))).toEqual(want);
    }),
    { seed: 1 },
  );
});

test("any text is parsed or refused", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      try {
        expect(parseReference(text).repository).not.toContain("..");
      } catch (error) {
        expect(error).toMatchObject({ code: "invalid_argument" });
      }
    }),
    { numRuns: 1_000, seed: 1 },
  );
});

test("a registry is asked by digest when there is one", () => {
  expect(manifestKey(parseReference(`a:v1@${D}`))).toBe(D);
  expect(manifestKey(parseReference("a"))).toBe("latest");
});

// An image's name is the one spelling: what people may leave out must not make a second object.
test.each([
  ["docker.io/library/app:v1", true],
  ["reg.example:5000/team/app:v1", true],
  ["app:v1", false],
  ["docker.io/library/app", false],
  [`docker.io/library/app@${D}`, false],
  ["docker.io/library/../app:v1", false],
  ["", false],
])("%s is an image's name: %s", (text, want) => {
  expect(isImageName(text)).toBe(want);
});
