import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemRng } from "../system-rng.js";
import { createAuthority, issueKeyPair } from "./issue.js";
import { createKey } from "./keys.js";
import { createRequest } from "./request.js";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "pki-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const openssl = (...args: readonly string[]): string =>
  execFileSync("openssl", args, { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });

test("openssl verifies what is issued, strictly, and prints the same facts", () => {
  const nowMs = Date.now();
  const authority = createAuthority({ name: "interop", nowMs, lifeMs: 86_400_000_000 }, systemRng);
  const terms = {
    subject: { name: "node-a", organization: "tallship:node" },
    addresses: ["10.0.0.1", "fd00::1", "node-a"],
    usages: ["client", "server"] as const,
    nowMs,
    lifeMs: 86_400_000,
  };
  writeFileSync(join(folder, "ca.pem"), authority.certificatePem);
  writeFileSync(join(folder, "leaf.pem"), issueKeyPair(authority, terms, systemRng).certificatePem);
  expect(openssl("verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", "ca.pem", "leaf.pem")).toContain("OK");
  expect(openssl("verify", "-x509_strict", "-purpose", "sslclient", "-CAfile", "ca.pem", "leaf.pem")).toContain("OK");
  const text = openssl("x509", "-in", "leaf.pem", "-noout", "-text", "-nameopt", "RFC2253");
  expect(text).toContain("Subject: CN=node-a,O=tallship:node");
  expect(text).toContain("IP Address:10.0.0.1, IP Address:FD00:0:0:0:0:0:0:1, DNS:node-a");
  expect(text).toContain("CA:FALSE");
});

test("openssl verifies a certificate request", () => {
  writeFileSync(join(folder, "request.der"), createRequest(createKey(), "node-a"));
  expect(openssl("req", "-inform", "DER", "-in", "request.der", "-noout", "-verify", "-subject")).toContain("node-a");
});
