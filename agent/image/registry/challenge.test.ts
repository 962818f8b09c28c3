import { expect, test } from "vitest";
import { parseChallenge, parseToken, tokenUrl } from "./challenge.js";

test("challenges are read as registries write them", () => {
  expect(
    parseChallenge('Bearer realm="https://auth.example/token",service="reg",scope="repository:a/b:pull,push"'),
  ).toEqual({
    ...{ scheme: "bearer", realm: "https://auth.example/token", service: "reg", scope: "repository:a/b:pull,push" },
  });
  expect(parseChallenge('bearer realm = "https://a/t" , service=reg')).toMatchObject({
    scheme: "bearer",
    service: "reg",
  });
  expect(parseChallenge('Bearer realm="https://a/t\\"x"')).toMatchObject({ realm: 'https://a/t"x' });
  expect(parseChallenge('Basic realm="x"')).toEqual({ scheme: "basic" });
  for (const odd of [undefined, "", "Negotiate", 'Bearer service="x"'])
    expect(parseChallenge(odd)).toEqual({ scheme: "none" });
});

test("a token is asked for reading alone, whatever the registry proposes", () => {
  const challenge = { scheme: "bearer", realm: "https://a/t?x=1", service: "s", scope: "repository:other:*" } as const;
  expect(tokenUrl(challenge, ["repository:a/b:pull"])?.href).toBe(
    "https://a/t?x=1&service=s&scope=repository%3Aa%2Fb%3Apull",
  );
  expect(tokenUrl({ ...challenge, realm: "no address" }, ["repository:a/b:pull"])).toBeUndefined();
});

test("tokens are read under both names, with a life of a minute when none is given", () => {
  expect(parseToken('{"token":"t","expires_in":300}')).toEqual({ token: "t", ttlMs: 300_000 });
  expect(parseToken('{"access_token":"t"}')).toEqual({ token: "t", ttlMs: 60_000 });
  // A line break would let a token server write headers.
  for (const odd of ["", "[]", "{}", '{"token":""}', '{"token":"a\\r\\nX: y"}', '{"token":7}']) {
    expect(parseToken(odd)).toBeUndefined();
  }
});
