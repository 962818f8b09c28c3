import type { Clock } from "../../lib/clock.js";
import { limit } from "../../lib/limits.js";
import { createAuthority, issueKeyPair, type KeyPair } from "../../lib/pki/issue.js";
import { isSignedBy, readCertificate } from "../../lib/pki/read.js";
import type { Rng } from "../../lib/rng.js";
import type { EtcdTls } from "../store/etcd-tls.js";

/** The name in every member's certificate: clients ask for it, whatever address they dial. */
export const etcdServerName = "tallship-etcd";

/** Makes etcd's CA. Only control planes ever hold its key or a certificate of it: whoever has one reads and writes everything. */
export function createEtcdAuthority(clock: Clock, rng: Rng): KeyPair {
  return createAuthority({ name: "tallship etcd", nowMs: clock.nowMs(), lifeMs: limit("etcdAuthorityMs") }, rng);
}

/** What a member shows to clients and to the other members; it is also a client's, since members dial each other. */
export function issueMemberPair(
  authority: KeyPair,
  terms: { readonly name: string; readonly addresses: readonly string[]; readonly nowMs: number },
  rng: Rng,
): KeyPair {
  const subject = { name: terms.name, organization: "etcd member" };
  return issueKeyPair(
    authority,
    { ...terms, subject, usages: ["server", "client"], lifeMs: limit("etcdCertificateMs") },
    rng,
  );
}

/** True when a certificate must be made anew: a third of its life is over, it is another authority's, or its addresses are not these. */
export function isRenewalDue(
  certificatePem: string,
  want: { readonly authorityPem: string; readonly addresses: readonly string[]; readonly nowMs: number },
): boolean {
  if (!isSignedBy(certificatePem, want.authorityPem, want.nowMs)) return true;
  const { notAfterMs, addresses } = readCertificate(certificatePem);
  const isOld = notAfterMs - want.nowMs < (limit("etcdCertificateMs") * 2) / 3;
  return isOld || addresses.join() !== want.addresses.join();
}

/** The control plane's own certificate for etcd: made in memory and renewed when a third of its life is over. */
export function clientCredentials(
  authority: KeyPair,
  name: string,
  { clock, rng }: { readonly clock: Clock; readonly rng: Rng },
): () => EtcdTls {
  const ca = Buffer.from(authority.certificatePem);
  const issue = (): EtcdTls => {
    const subject = { name, organization: "etcd client" };
    const times = { nowMs: clock.nowMs(), lifeMs: limit("etcdCertificateMs") };
    const pair = issueKeyPair(authority, { subject, addresses: [], usages: ["client"], ...times }, rng);
    const [certificate, key] = [Buffer.from(pair.certificatePem), Buffer.from(pair.keyPem)];
    return { ca, certificate, key, serverName: etcdServerName };
  };
  let current = issue();
  return () => {
    const want = { authorityPem: authority.certificatePem, addresses: [], nowMs: clock.nowMs() };
    if (isRenewalDue(Buffer.from(current.certificate).toString(), want)) current = issue();
    return current;
  };
}
