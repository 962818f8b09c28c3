import fc from "fast-check";
import { expect, test } from "vitest";
import { TallshipError } from "../lib/errors.js";
import { limit } from "../lib/limits.js";
import { ManualClock } from "../test/kit/manual-clock.js";
import { PackedWrites, type WritePart } from "./packed-writes.js";
import { META } from "./store/keys.js";
import { MemoryStore } from "./store/memory.js";
import { MemoryEtcd } from "./store/memory-etcd.js";
import type { Transaction, TransactionResult } from "./store/store.js";

const key = (name: string | number): string => `/tallship/meta/test/${name}`;
const put = (name: string | number, revision = 0): WritePart => ({
  checks: [{ key: key(name), revision }],
  writes: [{ op: "put", key: key(name), value: Buffer.from("x") }],
});

/** A leader's writes over a store in memory; `before` may answer in the store's place. */
async function world(before: (transaction: Transaction) => TransactionResult | undefined = () => undefined) {
  const store = new MemoryStore(new ManualClock(), new MemoryEtcd());
  await store.transact({ checks: [], writes: [{ op: "put", key: META.leader, value: new Uint8Array() }] });
  const guard = { key: META.leader, createRevision: (await store.get(META.leader))?.createRevision ?? 0 };
  const sizes: number[] = [];
  const gated = {
    transact: async (transaction: Transaction) => {
      sizes.push(transaction.writes.length);
      return before(transaction) ?? store.transact(transaction);
    },
  };
  return { store, sizes, packed: new PackedWrites(gated, guard) };
}

test("what is asked for in one turn is one transaction, and more than fits are several", async () => {
  const { packed, sizes } = await world();
  await Promise.all(["a", "b", "c"].map((name) => packed.send(put(name))));
  expect(sizes).toEqual([3]);
  const many = Array.from({ length: limit("transactionObjects") + 1 }, (_, at) => packed.send(put(at)));
  await Promise.all(many);
  expect(sizes.slice(1)).toEqual([limit("transactionObjects"), 1]);
});

test("a part that stands against a transaction is told what it conflicts with, and the others are written without it", async () => {
  const { packed, store } = await world();
  const first = await packed.send(put("a"));
  const [ok, lost, other] = await Promise.all([packed.send(put("b")), packed.send(put("a")), packed.send(put("c"))]);
  const revision = first.is === "written" ? first.revision : 0;
  expect(lost).toEqual({ is: "conflict", conflicts: [{ key: key("a"), revision }] });
  expect([ok.is, other.is]).toEqual(["written", "written"]);
  expect(await store.get(key("c"))).toBeDefined();
});

test("two parts that write one key are decided one by the other", async () => {
  const { packed } = await world();
  const sent = await Promise.all([packed.send(put("a")), packed.send(put("a"))]);
  expect(sent.map(({ is }) => is).sort()).toEqual(["conflict", "written"]);
});

test("a part that no retry can cure fails alone", async () => {
  const { packed } = await world(({ writes }) => {
    if (writes.some((write) => write.key === key("bad"))) throw new TallshipError("too_large", "bad is too large");
    return undefined;
  });
  const [good, bad] = await Promise.allSettled([packed.send(put("good")), packed.send(put("bad"))]);
  expect(good).toMatchObject({ status: "fulfilled", value: { is: "written" } });
  expect(bad).toMatchObject({ status: "rejected", reason: { code: "too_large" } });
});

test("a store that is away fails all of them, and one that another leads deposes them", async () => {
  const away = await world(() => {
    throw new TallshipError("store_unavailable", "away");
  });
  const failed = await Promise.allSettled(["a", "b"].map((name) => away.packed.send(put(name))));
  expect(failed.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect(away.sizes).toEqual([2]);
  const led = await world(() => ({ is: "guard_failed" }));
  expect(await Promise.all(["a", "b"].map((name) => led.packed.send(put(name))))).toEqual([
    { is: "deposed" },
    { is: "deposed" },
  ]);
});

test("whatever parts meet, each is written whole or told a conflict that is true", async () => {
  const names = fc.array(fc.nat({ max: 12 }), { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(names, { maxLength: 8 }), { maxLength: 5 }), async (turns) => {
      const { packed, store } = await world();
      const written = new Set<number>();
      for (const turn of turns) {
        const parts = turn.map((each) => [...new Set(each)]);
        const sent = await Promise.all(
          parts.map((each) =>
            packed.send({
              checks: each.flatMap((name) => put(name).checks),
              writes: each.flatMap((name) => put(name).writes),
            }),
          ),
        );
        // Each creates its keys: of those that share one, one alone is written.
        const created = parts.filter((_, at) => sent[at]?.is === "written").flat();
        expect(created.filter((name) => written.has(name))).toEqual([]);
        expect(new Set(created).size).toBe(created.length);
        for (const name of created) written.add(name);
        const refused = parts.filter((_, at) => sent[at]?.is === "conflict");
        expect(refused.filter((each) => !each.some((name) => written.has(name)))).toEqual([]);
      }
      for (const name of written) expect(await store.get(key(name))).toBeDefined();
    }),
    { seed: 3, numRuns: 100 },
  );
});
