import { createHash, timingSafeEqual } from "node:crypto";
import { type Clock, rfc3339 } from "../../lib/clock.js";
import { TallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import { type Rng, randomSuffix } from "../../lib/rng.js";
import type { Role } from "../../lib/transport/peer-identity.js";
import { TokenRecord } from "../../proto/gen/tallship/v1/record.js";
import { META } from "../store/keys.js";
import type { Entry, Store } from "../store/store.js";

/** What a token may be made for. */
export const TOKEN_ROLES = ["worker", "control-plane", "metrics", "admin"] as const;

/** The role of a token: what whoever joins with it becomes. */
export type TokenRole = (typeof TOKEN_ROLES)[number];

/** The role of the certificate that a token is exchanged for. */
export const CERTIFICATE_ROLES: Readonly<Record<TokenRole, Role>> = {
  worker: "node",
  "control-plane": "control-plane",
  metrics: "metrics",
  admin: "admin",
};

/** How a token is made. */
export interface TokenTerms {
  readonly role: TokenRole;
  readonly ttlMs: number;
  /** −1: any number. A control-plane token is good for one use, whatever stands here. */
  readonly uses: number;
}

/** What tokens need. */
export interface TokenDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly rng: Rng;
}

/** Makes a token; only the hash of its secret is stored. The secret is never shown again. */
export async function createToken(
  deps: TokenDeps,
  terms: TokenTerms,
): Promise<{ readonly id: string; readonly secret: string }> {
  await sweepTokens(deps);
  const id = randomSuffix(deps.rng, 10);
  const secret = Buffer.from(deps.rng.bytes(32)).toString("base64url");
  const nowMs = deps.clock.nowMs();
  const record = TokenRecord.fromPartial({
    id,
    secretHash: hashOf(secret),
    role: terms.role,
    expiresAtMs: nowMs + terms.ttlMs,
    usesLeft: terms.role === "control-plane" ? 1 : terms.uses,
    createdAtMs: nowMs,
  });
  const value = TokenRecord.encode(record).finish();
  const key = keyOfToken(id);
  const result = await deps.store.transact({ checks: [{ key, revision: 0 }], writes: [{ op: "put", key, value }] });
  if (result.is === "committed") return { id, secret };
  throw new TallshipError("already_exists", `create token ${id}: the id is taken; try again`);
}

/** Every token that can still be used, the oldest first. */
export async function listTokens({ store, clock }: TokenDeps): Promise<readonly TokenRecord[]> {
  const { entries } = await store.list([META.tokens]);
  return entries
    .map((entry) => TokenRecord.decode(entry.value))
    .filter((record) => whyUnusable(record, clock.nowMs()) === undefined)
    .sort((a, b) => a.createdAtMs - b.createdAtMs || (a.id < b.id ? -1 : 1));
}

/** Revokes a token at once; not_found when there is none. */
export async function revokeToken({ store }: TokenDeps, id: string): Promise<void> {
  for (let attempt = 0; attempt < limit("tokenWriteTries"); attempt += 1) {
    const entry = await store.get(keyOfToken(id));
    if (entry === undefined) throw new TallshipError("not_found", `revoke token ${id}: there is none of that id`);
    const result = await store.transact({
      checks: [{ key: entry.key, revision: entry.revision }],
      writes: [{ op: "delete", key: entry.key }],
    });
    if (result.is === "committed") return;
  }
  throw new TallshipError("version_conflict", `revoke token ${id}: it is being used; try again`);
}

/** The role of a token that could be used now, without using it. Whoever does not know the secret learns nothing, not even whether it exists. */
export async function checkToken(deps: TokenDeps, id: string, secret: string): Promise<TokenRole> {
  return roleOf((await usable(deps, id, secret)).record);
}

/** Spends one use of a token, by compare-and-swap: never more uses than it has, however many ask at once. */
export async function redeemToken(deps: TokenDeps, id: string, secret: string): Promise<TokenRole> {
  for (let attempt = 0; attempt < limit("tokenWriteTries"); attempt += 1) {
    const { entry, record } = await usable(deps, id, secret);
    if (record.usesLeft < 0 || (await spend(deps.store, entry, record))) return roleOf(record);
  }
  throw new TallshipError("resource_exhausted", `join token ${id}: too many hosts use it at once; try again`);
}

interface Usable {
  readonly entry: Entry;
  readonly record: TokenRecord;
}

async function usable({ store, clock }: TokenDeps, id: string, secret: string): Promise<Usable> {
  const found = authentic(await store.get(keyOfToken(id)), secret);
  const why = whyUnusable(found.record, clock.nowMs());
  if (why !== undefined) throw new TallshipError("unauthenticated", `join token ${id} ${why}: ask for a new one`);
  return found;
}

/** Deletes tokens that cannot be used any more. */
async function sweepTokens({ store, clock }: TokenDeps): Promise<void> {
  const { entries } = await store.list([META.tokens]);
  const dead = entries.filter((entry) => whyUnusable(TokenRecord.decode(entry.value), clock.nowMs()) !== undefined);
  for (const { key, revision } of dead.slice(0, limit("transactionObjects")))
    await store.transact({ checks: [{ key, revision }], writes: [{ op: "delete", key }] });
}

function whyUnusable(record: TokenRecord, nowMs: number): string | undefined {
  if (nowMs >= record.expiresAtMs) return `expired at ${rfc3339(record.expiresAtMs)}`;
  return record.usesLeft === 0 ? "is used up" : undefined;
}

/** The comparison takes the same time whether or not the token exists. */
function authentic(entry: Entry | undefined, secret: string): Usable {
  const record = TokenRecord.decode(entry?.value ?? new Uint8Array());
  const known = entry === undefined ? Buffer.alloc(32) : record.secretHash;
  const isRight = known.length === 32 && timingSafeEqual(known, hashOf(secret));
  if (entry !== undefined && isRight) return { entry, record };
  const why = "it was revoked, expired long ago, or is of another cluster";
  throw new TallshipError("unauthenticated", `join token is not known: ${why}`);
}

async function spend(store: Store, entry: Entry, record: TokenRecord): Promise<boolean> {
  const value = TokenRecord.encode({ ...record, usesLeft: record.usesLeft - 1 }).finish();
  const result = await store.transact({
    checks: [{ key: entry.key, revision: entry.revision }],
    writes: [{ op: "put", key: entry.key, value }],
  });
  return result.is === "committed";
}

function roleOf(record: TokenRecord): TokenRole {
  const role = TOKEN_ROLES.find((known) => known === record.role);
  if (role !== undefined) return role;
  throw new TallshipError("internal", `join token ${record.id} has the unknown role "${record.role}"`);
}

function keyOfToken(id: string): string {
  if (!/^[a-z0-9]{1,32}$/.test(id)) throw new TallshipError("invalid_argument", "token id: want letters and digits");
  return `${META.tokens}${id}`;
}

function hashOf(secret: string): Buffer {
  return createHash("sha256").update(secret).digest();
}
