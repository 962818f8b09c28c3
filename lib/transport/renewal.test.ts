import { expect, test } from "vitest";
import { ManualClock } from "../../test/kit/manual-clock.js";
import { silentLog } from "../log.js";
import { createAuthority, issueKeyPair } from "../pki/issue.js";
import { seededRng } from "../rng.js";
import { type Credentials, mutableCredentials } from "./credentials.js";
import { keepRenewed } from "./renewal.js";

const hourMs = 3_600_000;

function world() {
  const clock = new ManualClock();
  const rng = seededRng(3);
  const authority = createAuthority({ name: "a", nowMs: clock.nowMs(), lifeMs: 1_000 * hourMs }, rng);
  const issue = (name: string): Credentials => {
    const subject = { name, organization: "" };
    const terms = { subject, addresses: [], usages: ["client"] as const, nowMs: clock.nowMs(), lifeMs: 24 * hourMs };
    return { caPem: authority.certificatePem, pair: issueKeyPair(authority, terms, rng) };
  };
  return { clock, rng, issue, stop: new AbortController() };
}

test("a certificate is renewed once two thirds of its life are over, and the next one too", async () => {
  const { clock, rng, issue, stop } = world();
  const source = mutableCredentials(issue("first"));
  const renewedAtHours: number[] = [];
  const renew = async (): Promise<Credentials> => {
    renewedAtHours.push(Math.round(clock.monotonicMs() / hourMs));
    return issue("next");
  };
  const running = keepRenewed(source, renew, { clock, rng, log: silentLog }, stop.signal);
  await clock.advance(40 * hourMs);
  expect(renewedAtHours).toEqual([16, 32]);
  stop.abort();
  await running;
});

test("a renewal that fails is tried again with growing waits, long before the certificate expires", async () => {
  const { clock, rng, issue, stop } = world();
  const source = mutableCredentials(issue("first"));
  let tries = 0;
  const renew = async (): Promise<Credentials> => {
    tries += 1;
    if (tries < 20) throw new Error("nobody answers");
    return issue("next");
  };
  void keepRenewed(source, renew, { clock, rng, log: silentLog }, stop.signal);
  await clock.advance(16 * hourMs + 60_000);
  expect(tries).toBeLessThan(10);
  await clock.advance(2 * hourMs);
  expect(tries).toBe(20);
  stop.abort();
});
