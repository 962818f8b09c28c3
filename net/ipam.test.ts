import fc from "fast-check";
import { expect, test } from "vitest";
import { AddressPool, PodAddressBook } from "./ipam.js";
import { contains, parseAddress, subnetOf } from "./ipv4.js";

test("the network's own, the gateway's and the broadcast address are never given out", () => {
  const pool = new AddressPool("10.128.4.0/29", []);
  const given = Array.from({ length: 5 }, () => pool.allocate());
  expect(given).toEqual(["10.128.4.2", "10.128.4.3", "10.128.4.4", "10.128.4.5", "10.128.4.6"]);
  expect(() => pool.allocate()).toThrow("all 5 of 10.128.4.0/29 are in use");
});

test("a freed address is reused only after all fresh ones, the one freed longest ago first", () => {
  const pool = new AddressPool("10.128.4.0/29", []);
  const [two, three] = [pool.allocate(), pool.allocate()];
  pool.free(three);
  pool.free(two);
  expect([pool.allocate(), pool.allocate(), pool.allocate()]).toEqual(["10.128.4.4", "10.128.4.5", "10.128.4.6"]);
  expect([pool.allocate(), pool.allocate()]).toEqual([three, two]);
});

test("a pool made of what exists goes on above the highest address in use", () => {
  const pool = new AddressPool("10.128.4.0/29", ["10.128.4.4", "10.128.4.2"]);
  expect([pool.allocate(), pool.allocate(), pool.allocate()]).toEqual(["10.128.4.5", "10.128.4.6", "10.128.4.3"]);
});

// Rows: what must not count as taken in this subnet.
const strangers = ["10.128.5.1", "10.128.4.0", "10.128.4.1", "10.128.4.7", "", "nonsense", "10.128.4.02"];
for (const address of strangers) {
  test(`reserving "${address}" is refused`, () => {
    const pool = new AddressPool("10.128.4.0/29", [address]);
    expect(pool.freeCount).toBe(5);
    expect(pool.reserve(address)).toBe(false);
  });
}

test("a subnet without room for a pod is refused", () => {
  expect(() => new AddressPool("10.128.4.0/31", [])).toThrow("no room");
  expect(() => new AddressPool("10.128.4.1/29", [])).toThrow("no IPv4 subnet");
});

test("whatever is allocated, reserved and freed, no address is held twice and none is lost", () => {
  const step = fc.oneof(
    fc.constant({ do: "allocate" as const }),
    fc.record({ do: fc.constant("free" as const), at: fc.nat(20) }),
    fc.record({ do: fc.constant("reserve" as const), at: fc.nat(20) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const subnet = subnetOf("10.1.0.0/28", "test");
      const pool = new AddressPool("10.1.0.0/28", []);
      const held = new Set<string>();
      for (const each of steps) {
        if (each.do === "allocate" && held.size < 13) {
          const address = pool.allocate();
          expect(held.has(address)).toBe(false);
          expect(contains(subnet, parseAddress(address) ?? 0)).toBe(true);
          held.add(address);
        } else if (each.do === "free") {
          pool.free(`10.1.0.${each.at}`);
          held.delete(`10.1.0.${each.at}`);
        } else if (each.do === "reserve" && pool.reserve(`10.1.0.${each.at}`)) {
          expect(held.has(`10.1.0.${each.at}`)).toBe(false);
          held.add(`10.1.0.${each.at}`);
        }
        expect(pool.freeCount).toBe(13 - held.size);
      }
      for (let left = 13 - held.size; left > 0; left -= 1) held.add(pool.allocate());
      expect(held.size).toBe(13);
    }),
  );
});

test("a pod has one address until it is released, and keeps the one it had before a restart", () => {
  const book = new PodAddressBook("10.128.4.0/29", [
    { uid: "old", address: "10.128.4.3" },
    { uid: "half-made", address: "" },
  ]);
  expect(book.claim("old")).toBe("10.128.4.3");
  const fresh = book.claim("new");
  expect(fresh).toBe("10.128.4.4");
  expect(book.claim("new")).toBe(fresh);
  book.release("new");
  book.release("new");
  expect(book.claim("third")).toBe("10.128.4.5");
});
