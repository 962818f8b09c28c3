// Edge: the files of an etcd member.
import { join } from "node:path";
import { readFileIfPresent, writeFileAtomic } from "../../lib/atomic-file.js";
import { TallshipError } from "../../lib/errors.js";
import type { KeyPair } from "../../lib/pki/issue.js";

/** What a member remembers of itself. */
export interface MemberRecord {
  readonly name: string;
  /** The host's address for other members; absent while there are none. */
  readonly address?: string;
  /** Present in a member that joined. */
  readonly initialCluster?: string;
  /** Client endpoints of the other members, host:port, as last seen. */
  readonly otherEndpoints: readonly string[];
}

/** Paths below the member's directory. */
export interface MemberPaths {
  readonly data: string;
  readonly log: string;
  readonly pid: string;
  readonly record: string;
  readonly authority: string;
  readonly authorityKey: string;
  /** Certificate and key in one file, so that etcd never reads one without the other. */
  readonly pair: string;
}

/** Where a member keeps what. */
export function memberPaths(directory: string): MemberPaths {
  return {
    data: join(directory, "data"),
    log: join(directory, "etcd.log"),
    pid: join(directory, "etcd.pid"),
    record: join(directory, "member.json"),
    authority: join(directory, "ca.pem"),
    authorityKey: join(directory, "ca-key.pem"),
    pair: join(directory, "member.pem"),
  };
}

/** The member's record; undefined when this directory holds none. */
export async function readRecord(paths: MemberPaths): Promise<MemberRecord | undefined> {
  const bytes = await readFileIfPresent(paths.record);
  if (bytes === undefined) return undefined;
  try {
    const parsed: unknown = JSON.parse(bytes.toString());
    // Only writeRecord writes this file; a broken one fails here or lacks its name.
    const record = parsed as MemberRecord;
    if (typeof record.name === "string" && Array.isArray(record.otherEndpoints)) return record;
  } catch (cause) {
    throw new TallshipError("failed_precondition", `read ${paths.record}: malformed`, { cause });
  }
  throw new TallshipError("failed_precondition", `read ${paths.record}: malformed`);
}

/** Replaces the record as a whole. */
export function writeRecord(paths: MemberPaths, record: MemberRecord): Promise<void> {
  return writeFileAtomic(paths.record, `${JSON.stringify(record, null, 2)}\n`, 0o600);
}

/** etcd's CA; undefined when it was not made yet. */
export async function readAuthority(paths: MemberPaths): Promise<KeyPair | undefined> {
  const [certificatePem, keyPem] = await Promise.all([
    readFileIfPresent(paths.authority),
    readFileIfPresent(paths.authorityKey),
  ]);
  if (certificatePem === undefined || keyPem === undefined) return undefined;
  return { certificatePem: certificatePem.toString(), keyPem: keyPem.toString() };
}

/** Writes etcd's CA, the key first: who sees the certificate finds its key. */
export async function writeAuthority(paths: MemberPaths, authority: KeyPair): Promise<void> {
  await writeFileAtomic(paths.authorityKey, authority.keyPem, 0o600);
  await writeFileAtomic(paths.authority, authority.certificatePem, 0o644);
}

/** The member's certificate, PEM; undefined when it was not made yet. */
export async function readMemberCertificate(paths: MemberPaths): Promise<string | undefined> {
  return (await readFileIfPresent(paths.pair))?.toString();
}

/** Writes the member's certificate and key; etcd reads them anew at each handshake. */
export function writeMemberPair(paths: MemberPaths, pair: KeyPair): Promise<void> {
  return writeFileAtomic(paths.pair, `${pair.certificatePem.trim()}\n${pair.keyPem}`, 0o600);
}
