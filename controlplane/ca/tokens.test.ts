import { describe, expect, test } from "vitest";
import { seededRng } from "../../lib/rng.js";
import { ManualClock } from "../../test/kit/manual-clock.js";
import { META } from "../store/keys.js";
import { MemoryStore } from "../store/memory.js";
import { checkToken, createToken, listTokens, redeemToken, revokeToken, type TokenTerms } from "./tokens.js";

const hourMs = 3_600_000;
const worker: TokenTerms = { role: "worker", ttlMs: hourMs, uses: -1 };

function world() {
  const clock = new ManualClock();
  const store = new MemoryStore(clock);
  return { clock, store, deps: { store, clock, rng: seededRng(7) } };
}

describe("join tokens", () => {
  test("a worker token is good for any number of hosts until it expires, to the millisecond", async () => {
    const { deps, clock } = world();
    const { id, secret } = await createToken(deps, worker);
    for (let host = 0; host < 5; host += 1) expect(await redeemToken(deps, id, secret)).toBe("worker");
    await clock.advance(hourMs - 1);
    expect(await redeemToken(deps, id, secret)).toBe("worker");
    await clock.advance(1);
    await expect(redeemToken(deps, id, secret)).rejects.toMatchObject({
      code: "unauthenticated",
      message: expect.stringContaining("expired at"),
    });
  });

  test("a token of three uses is good for three of ten hosts that come at once", async () => {
    const { deps } = world();
    const { id, secret } = await createToken(deps, { ...worker, uses: 3 });
    const tries = await Promise.allSettled(Array.from({ length: 10 }, () => redeemToken(deps, id, secret)));
    expect(tries.filter(({ status }) => status === "fulfilled")).toHaveLength(3);
    await expect(redeemToken(deps, id, secret)).rejects.toMatchObject({ message: expect.stringContaining("used up") });
  });

  test("a control-plane token is good for one use, whatever was asked for", async () => {
    const { deps } = world();
    const { id, secret } = await createToken(deps, { role: "control-plane", ttlMs: hourMs, uses: -1 });
    expect(await redeemToken(deps, id, secret)).toBe("control-plane");
    await expect(redeemToken(deps, id, secret)).rejects.toMatchObject({ code: "unauthenticated" });
  });

  test("looking at a token spends nothing", async () => {
    const { deps } = world();
    const { id, secret } = await createToken(deps, { ...worker, uses: 1 });
    expect(await checkToken(deps, id, secret)).toBe("worker");
    expect(await redeemToken(deps, id, secret)).toBe("worker");
  });

  test("a revoked token is refused at once, and cannot be told from one that never was", async () => {
    const { deps } = world();
    const { id, secret } = await createToken(deps, worker);
    await revokeToken(deps, id);
    const messageOf = (tokenId: string): Promise<string> =>
      redeemToken(deps, tokenId, secret).catch((error: Error) => error.message);
    expect(await messageOf(id)).toBe(await messageOf("never0was0"));
    await expect(revokeToken(deps, id)).rejects.toMatchObject({ code: "not_found" });
  });

  test("a wrong secret is refused as an unknown token is", async () => {
    const { deps } = world();
    const { id } = await createToken(deps, worker);
    await expect(redeemToken(deps, id, "guess")).rejects.toMatchObject({
      code: "unauthenticated",
      message: expect.stringContaining("not known"),
    });
  });

  test("the store holds no secret", async () => {
    const { deps, store } = world();
    const { id, secret } = await createToken(deps, worker);
    const entry = await store.get(`${META.tokens}${id}`);
    expect(Buffer.from(entry?.value ?? []).includes(secret)).toBe(false);
    expect(Buffer.from(entry?.value ?? []).includes(Buffer.from(secret, "base64url"))).toBe(false);
  });

  test("tokens that cannot be used are not listed, and are deleted when the next is made", async () => {
    const { deps, clock, store } = world();
    await createToken(deps, { ...worker, ttlMs: 1_000 });
    const spent = await createToken(deps, { ...worker, uses: 1 });
    await redeemToken(deps, spent.id, spent.secret);
    await clock.advance(1_000);
    expect(await listTokens(deps)).toEqual([]);
    const { id } = await createToken(deps, worker);
    expect((await store.list(META.tokens)).entries.map(({ key }) => key)).toEqual([`${META.tokens}${id}`]);
  });
});
