import { expect, test } from "vitest";
import { limit } from "../../lib/limits.js";
import { readCertificate } from "../../lib/pki/read.js";
import { seededRng } from "../../lib/rng.js";
import { ManualClock } from "../../test/kit/manual-clock.js";
import { clientCredentials, createEtcdAuthority, isRenewalDue, issueMemberPair } from "./credentials.js";

const clock = new ManualClock();
const rng = seededRng(1);
const authority = createEtcdAuthority(clock, rng);
const addresses = ["127.0.0.1", "10.0.0.7"];
const issued = issueMemberPair(authority, { name: "a", addresses, nowMs: clock.nowMs() }, rng).certificatePem;
const lifeMs = limit("etcdCertificateMs");

const rows = [
  { name: "fresh", wait: 0, addresses, authority, want: false },
  { name: "just before a third of its life", wait: lifeMs / 3 - 2_000, addresses, authority, want: false },
  { name: "after a third of its life", wait: lifeMs / 3 + 2_000, addresses, authority, want: true },
  { name: "expired", wait: lifeMs * 2, addresses, authority, want: true },
  { name: "for other addresses", wait: 0, addresses: ["127.0.0.1"], authority, want: true },
  { name: "of another authority", wait: 0, addresses, authority: createEtcdAuthority(clock, rng), want: true },
];
for (const { name, wait, want, ...other } of rows)
  test(`renewal of a certificate ${name}: ${want}`, () => {
    const wanted = {
      authorityPem: other.authority.certificatePem,
      addresses: other.addresses,
      nowMs: clock.nowMs() + wait,
    };
    expect(isRenewalDue(issued, wanted)).toBe(want);
  });

test("a client's certificate is the same object until it is renewed", async () => {
  const moving = new ManualClock();
  const tls = clientCredentials(createEtcdAuthority(moving, rng), "a", { clock: moving, rng });
  const first = tls();
  await moving.advance(lifeMs / 4);
  expect(tls()).toBe(first);
  await moving.advance(lifeMs / 4);
  const second = tls();
  expect(second).not.toBe(first);
  expect(readCertificate(Buffer.from(second.certificate)).notAfterMs).toBeGreaterThan(moving.nowMs() + lifeMs - 2_000);
});
