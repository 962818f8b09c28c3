import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { seededRng } from "../rng.js";
import { readElement, readElements, sequence, unsigned } from "./der.js";
import { ipBytes } from "./ip-bytes.js";
import { createAuthority, issueCertificate, issueKeyPair } from "./issue.js";
import { createKey, publicKeyOf } from "./keys.js";
import { derOfPem, pemOf } from "./pem.js";
import { isSignedBy, readCertificate } from "./read.js";
import { createRequest, readRequest } from "./request.js";

const rng = seededRng(1);
const nowMs = Date.parse("2026-03-01T00:00:00Z");
const dayMs = 86_400_000;
const authority = createAuthority({ name: "test cluster", nowMs, lifeMs: 3_650 * dayMs }, rng);
const other = createAuthority({ name: "test cluster", nowMs, lifeMs: 3_650 * dayMs }, rng);
const terms = {
  subject: { name: "node-a", organization: "tallship:node" },
  addresses: ["10.0.0.1", "fd00::1", "node-a.example"],
  usages: ["client", "server"] as const,
  nowMs,
  lifeMs: dayMs,
};

describe("certificates", () => {
  test("a certificate says what its terms say", () => {
    const facts = readCertificate(issueKeyPair(authority, terms, rng).certificatePem);
    expect(facts.subject).toEqual(terms.subject);
    expect(facts.addresses).toEqual(["10.0.0.1", "FD00:0:0:0:0:0:0:1", "node-a.example"]);
    expect(facts.notBeforeMs).toBe(nowMs - 300_000);
    expect(facts.notAfterMs).toBe(nowMs + dayMs);
  });

  test("an end after 2049 is kept", () => {
    const far = issueKeyPair(authority, { ...terms, lifeMs: 10_000 * dayMs }, rng);
    expect(readCertificate(far.certificatePem).notAfterMs).toBe(nowMs + 10_000 * dayMs);
  });

  // Each row differs from the first in one thing that must be refused.
  const { certificatePem } = issueKeyPair(authority, terms, rng);
  test.each([
    { name: "its authority", by: authority.certificatePem, atMs: nowMs, want: true },
    { name: "another authority of the same name", by: other.certificatePem, atMs: nowMs, want: false },
    { name: "an end certificate as the authority", by: certificatePem, atMs: nowMs, want: false },
    { name: "before it begins", by: authority.certificatePem, atMs: nowMs - 300_001, want: false },
    { name: "after it ends", by: authority.certificatePem, atMs: nowMs + dayMs, want: false },
  ])("signed by: $name → $want", ({ by, atMs, want }) => {
    expect(isSignedBy(certificatePem, by, atMs)).toBe(want);
  });

  test("a certificate whose signature is changed is not signed by anyone", () => {
    const der = derOfPem("CERTIFICATE", certificatePem);
    der[der.length - 1] = (der[der.length - 1] ?? 0) ^ 1;
    expect(isSignedBy(pemOf("CERTIFICATE", der), authority.certificatePem, nowMs)).toBe(false);
  });

  test("an authority whose key is another's does not sign", () => {
    const mixed = { certificatePem: authority.certificatePem, keyPem: other.keyPem };
    expect(() => issueKeyPair(mixed, terms, rng)).toThrow(/not that of its certificate/);
  });

  test("the pin is that of the key: it differs between authorities of one name", () => {
    expect(readCertificate(authority.certificatePem).pin).not.toBe(readCertificate(other.certificatePem).pin);
  });
});

describe("certificate requests", () => {
  const keyPem = createKey();

  test("the key of a request can be certified", () => {
    const publicKey = readRequest(createRequest(keyPem, "whoever"));
    expect(publicKey.equals(publicKeyOf(keyPem))).toBe(true);
    expect(readCertificate(issueCertificate(authority, publicKey, terms, rng)).subject).toEqual(terms.subject);
  });

  test("a request that is changed in any byte is refused or still proves the same key", () => {
    const request = createRequest(keyPem, "node-a");
    fc.assert(
      fc.property(fc.nat(request.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = Buffer.from(request);
        changed[at] = (changed[at] ?? 0) ^ flip;
        try {
          return readRequest(changed).equals(publicKeyOf(keyPem));
        } catch (error) {
          return error instanceof Error && error.name === "TallshipError";
        }
      }),
      { numRuns: 500 },
    );
  });

  test("a request signed by another key than its own is refused", () => {
    const [content, algorithm] = readElements(readElement(createRequest(keyPem, "node-a")).content);
    const [, , signature] = readElements(readElement(createRequest(createKey(), "node-a")).content);
    if (content === undefined || algorithm === undefined || signature === undefined) throw new Error("unreachable");
    expect(() => readRequest(sequence(content.whole, algorithm.whole, signature.whole))).toThrow(/not by its key/);
  });

  test("random bytes are refused with invalid_argument", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        expect(() => readRequest(bytes)).toThrow(expect.objectContaining({ code: "invalid_argument" }));
      }),
    );
  });
});

describe("DER", () => {
  test.each([0, 1, 127, 128, 255, 256, 65_535, 70_000])("%d bytes of content are read back", (count) => {
    const content = Buffer.alloc(count, 7);
    expect(readElement(sequence(content)).content.equals(content)).toBe(true);
  });

  test("an unsigned integer never reads as negative and is shortest", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 20 }), (bytes) => {
        const { content } = readElement(unsigned(bytes));
        expect((content[0] ?? 0) & 0x80).toBe(0);
        expect(content.length === 1 || content[0] !== 0 || ((content[1] ?? 0) & 0x80) !== 0).toBe(true);
        expect(BigInt(`0x${content.toString("hex")}`)).toBe(BigInt(`0x${Buffer.from(bytes).toString("hex")}`));
      }),
    );
  });
});

test.each([
  ["10.0.0.1", "0a000001"],
  ["::", "00000000000000000000000000000000"],
  ["fd00::1:2", "fd000000000000000000000000010002"],
  ["::ffff:1.2.3.4", "00000000000000000000ffff01020304"],
  ["1:2:3:4:5:6:7:8", "00010002000300040005000600070008"],
  ["256.0.0.1", undefined],
  ["1.2.3", undefined],
  ["01.2.3.4", undefined],
  ["1::2::3", undefined],
  ["1:2:3:4:5:6:7", undefined],
  ["1:2:3:4:5:6:7::8:9", undefined],
  ["node-a", undefined],
  ["", undefined],
])("bytes of address %s", (text, want) => {
  expect(ipBytes(text)?.toString("hex")).toBe(want);
});
