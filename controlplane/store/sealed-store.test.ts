import { expect, test } from "vitest";
import { encodeObject, storeKey } from "../../kinds/object.js";
import { hasCode } from "../../lib/errors.js";
import { seededRng } from "../../lib/rng.js";
import { Secret } from "../../proto/gen/tallship/v1/secret.js";
import { storeConformance } from "../../test/conformance/store.js";
import { ManualClock } from "../../test/kit/manual-clock.js";
import { CONTENT } from "./keys.js";
import { MemoryStore } from "./memory.js";
import { MemoryEtcd } from "./memory-etcd.js";
import { Sealer } from "./seal.js";
import { sealedStore } from "./sealed-store.js";
import type { Store } from "./store.js";

const sealer = new Sealer(Buffer.alloc(32, 7));
const marker = "correct horse battery staple";

function open(): { readonly etcd: MemoryEtcd; readonly raw: MemoryStore; readonly sealed: Store } {
  const etcd = new MemoryEtcd();
  const raw = new MemoryStore(new ManualClock(), etcd);
  return { etcd, raw, sealed: sealedStore(raw, sealer, seededRng(1)) };
}

const secret = (name: string, uid: string) => {
  const object = Secret.fromPartial({
    metadata: { name, namespace: "default", uid },
    data: { password: Buffer.from(marker) },
  });
  const key = storeKey({ kind: "Secret", namespace: "default", name });
  return { op: "put", key, value: encodeObject({ kind: "Secret", object }) } as const;
};

storeConformance("sealed memory", async () => {
  const clock = new ManualClock();
  const etcd = new MemoryEtcd();
  return {
    connect: async () => sealedStore(new MemoryStore(clock, etcd), sealer, seededRng(1)),
    passTime: (ms) => clock.advance(ms),
    root: storeKey({ kind: "ConfigMap", namespace: "default", name: "" }),
  };
});

test("a secret's value is nowhere in the store, and reads, lists and watches return it", async () => {
  const { raw, sealed } = open();
  const write = secret("db", "u1");
  const copy = { op: "put", key: `${CONTENT.sealed}abc`, value: Buffer.from(marker) } as const;
  await sealed.transact({ checks: [], writes: [write, copy] });
  const stored = await raw.list("/tallship");
  expect(stored.entries).toHaveLength(2);
  for (const entry of stored.entries) expect(Buffer.from(entry.value).includes(marker)).toBe(false);
  expect(Buffer.from((await sealed.get(write.key))?.value ?? [])).toEqual(Buffer.from(write.value));
  expect((await sealed.list(CONTENT.plain)).entries.map(({ value }) => Buffer.from(value).toString())).toEqual([
    marker,
  ]);
  const signal = new AbortController().signal;
  for await (const batch of sealed.watch({ prefixes: ["/tallship"], afterRevision: 0, signal })) {
    const values = batch.events.map((event) => event.type === "put" && Buffer.from(event.entry.value).includes(marker));
    expect(values).toEqual([true, true]);
    break;
  }
});

test("in lists and watches a broken value is empty, and the others are whole", async () => {
  const { raw, sealed } = open();
  const [one, two] = [secret("one", "u1"), secret("two", "u2")];
  await sealed.transact({ checks: [], writes: [one, two] });
  await raw.transact({ checks: [], writes: [{ ...one, value: Buffer.from("forged") }] });
  const { entries, revision } = await sealed.list("/tallship/");
  expect(entries.map(({ value }) => value.length)).toEqual([0, two.value.length]);
  const signal = new AbortController().signal;
  for await (const { events } of sealed.watch({ prefixes: ["/tallship/"], afterRevision: revision - 1, signal })) {
    expect(events.map((event) => event.type === "put" && event.entry.value.length)).toEqual([0]);
    break;
  }
  await expect(sealed.get(one.key)).rejects.toSatisfy((error) => hasCode(error, "seal_broken"));
});

test("a sealed secret does not open under another name, with another key, changed, or under another uid", async () => {
  const { raw, sealed } = open();
  const [one, two] = [secret("one", "u1"), secret("two", "u2")];
  await sealed.transact({ checks: [], writes: [one, two] });
  const value = Buffer.from((await raw.get(one.key))?.value ?? []);
  const flip = (at: number): Buffer => {
    const changed = Buffer.from(value);
    changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
    return changed;
  };
  // Byte 3 is the second of the uid, the last one belongs to the tag, byte 20 to the ciphertext.
  const forgeries = [
    { key: two.key, value },
    ...[0, 3, 20, value.length - 1].map((at) => ({ key: one.key, value: flip(at) })),
  ];
  for (const forgery of [...forgeries, { key: one.key, value: Buffer.from("short") }]) {
    await raw.transact({ checks: [], writes: [{ op: "put", ...forgery }] });
    await expect(sealed.get(forgery.key)).rejects.toSatisfy((error) => hasCode(error, "seal_broken"));
  }
  await raw.transact({ checks: [], writes: [{ op: "put", key: one.key, value }] });
  const other = sealedStore(raw, new Sealer(Buffer.alloc(32, 8)), seededRng(1));
  await expect(other.get(one.key)).rejects.toSatisfy((error) => hasCode(error, "seal_broken"));
  expect((await sealed.get(one.key))?.value).toBeDefined();
});
