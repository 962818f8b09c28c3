import { expect, test } from "vitest";
import { credentialsHost, credentialsOf, type PullSecret } from "./registry-credentials.js";

const secret = (key: string, value: unknown): PullSecret => ({
  name: "regcred",
  data: { [key]: Buffer.from(typeof value === "string" ? value : JSON.stringify(value)) },
});
const modern = (auths: unknown): PullSecret => secret(".dockerconfigjson", { auths });
const base64 = (text: string): string => Buffer.from(text).toString("base64");

test("both kinds of pull secrets are read, with user and password or with both in one", () => {
  const found = credentialsOf([
    modern({
      "r.example:5000": { username: "ann", password: "a:b" },
      "https://quay.io/v1/": { auth: base64("bob:s3:cret") },
    }),
    secret(".dockercfg", { "https://index.docker.io/v1/": { auth: base64("eve:pw\0\0") } }),
  ]);
  expect(found).toEqual({
    "r.example:5000": { username: "ann", password: "a:b" },
    "quay.io": { username: "bob", password: "s3:cret" },
    "docker.io": { username: "eve", password: "pw" },
  });
});

test("of two secrets for one registry the first counts", () => {
  const found = credentialsOf([
    modern({ r: { username: "a", password: "1" } }),
    modern({ r: { username: "b", password: "2" } }),
  ]);
  expect(found["r"]?.username).toBe("a");
});

test("no secrets are no credentials", () => {
  expect(credentialsOf([])).toEqual({});
  expect(credentialsOf([modern({})])).toEqual({});
});

test("hosts are told from the addresses that docker writes", () => {
  for (const at of ["https://index.docker.io/v1/", "index.docker.io", "registry-1.docker.io", "docker.io"]) {
    expect(credentialsHost(at)).toBe("docker.io");
  }
  expect(credentialsHost("https://R.Example:5000/v2/team/")).toBe("r.example:5000");
});

const malformed = [
  { name: "no key", secret: secret("x", {}), want: "regcred has neither .dockerconfigjson nor .dockercfg" },
  { name: "no JSON", secret: secret(".dockercfg", "hunter2"), want: "is not JSON" },
  { name: "a list", secret: secret(".dockercfg", []), want: "is not a JSON object" },
  {
    name: "no auths",
    secret: secret(".dockerconfigjson", {}),
    want: "no field auths",
  },
  { name: "no password", secret: modern({ r: { username: "a" } }), want: "no user name and password for r" },
  { name: "no colon", secret: modern({ r: { auth: base64("hunter2") } }), want: "no user name and password for r" },
];

for (const { name, secret: each, want } of malformed) {
  test(`a secret with ${name} is an error that does not tell what it holds`, () => {
    expect(() => credentialsOf([each])).toThrow(want);
    expect(() => credentialsOf([each])).not.toThrow("hunter2");
  });
}
