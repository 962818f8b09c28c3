import fc from "fast-check";
import { expect, test } from "vitest";
import { parsePool } from "./address-pool.js";
import { type Applicant, shareOut } from "./share-out.js";

const ALL = new Set(["n1", "n2", "n3"]);
const wants = (key: string, change: Partial<Applicant> = {}): Applicant => ({
  key,
  asked: "",
  address: "",
  announcer: "",
  nodes: ALL,
  ...change,
});
const shared = (applicants: readonly Applicant[], pool: string, reserved: readonly string[] = []): readonly string[] =>
  [...shareOut(applicants, parsePool(pool), new Set(reserved))].map(([key, share]) =>
    share.is === "given" ? `${key} ${share.address} ${share.announcer}` : `${key} ${share.reason}`,
  );

// Who gets what: applicants, the pool, addresses of nodes, and the shares in order.
const rows = [
  {
    why: "the lowest free addresses go to the first, and announcers are spread",
    applicants: [wants("a"), wants("b"), wants("c"), wants("d")],
    pool: "192.0.2.1-192.0.2.9",
    want: ["a 192.0.2.1 n1", "b 192.0.2.2 n2", "c 192.0.2.3 n3", "d 192.0.2.4 n1"],
  },
  {
    why: "what is held stays, even when somebody older comes later",
    applicants: [wants("old"), wants("held", { address: "192.0.2.1", announcer: "n2" })],
    pool: "192.0.2.1, 192.0.2.2",
    want: ["held 192.0.2.1 n2", "old 192.0.2.2 n1"],
  },
  {
    why: "an address that is asked for goes to who asks, before others get any",
    applicants: [wants("a"), wants("b", { asked: "192.0.2.1" })],
    pool: "192.0.2.1-192.0.2.2",
    want: ["a 192.0.2.2 n1", "b 192.0.2.1 n2"],
  },
  {
    why: "an announcer that cannot any more is replaced",
    applicants: [wants("a", { address: "192.0.2.1", announcer: "gone" })],
    pool: "192.0.2.1",
    want: ["a 192.0.2.1 n1"],
  },
  {
    why: "where no node can, an address is given all the same",
    applicants: [wants("a", { nodes: new Set() })],
    pool: "192.0.2.1",
    want: ["a 192.0.2.1 "],
  },
  { why: "without a pool nobody gets any", applicants: [wants("a")], pool: "", want: ["a NoAddressPool"] },
  {
    why: "an empty pool is told",
    applicants: [wants("a"), wants("b")],
    pool: "192.0.2.1",
    want: ["a 192.0.2.1 n1", "b PoolExhausted"],
  },
  {
    why: "addresses of nodes are never given",
    applicants: [wants("a"), wants("b", { asked: "192.0.2.1" })],
    pool: "192.0.2.0/30",
    reserved: ["192.0.2.0", "192.0.2.1"],
    want: ["b AddressTaken", "a 192.0.2.2 n1"],
  },
  {
    why: "what left the pool is taken back",
    applicants: [wants("a", { address: "198.51.100.1", announcer: "n1" })],
    pool: "192.0.2.1",
    want: ["a 192.0.2.1 n1"],
  },
  {
    why: "an address outside of the pool is refused",
    applicants: [wants("a", { asked: "198.51.100.1" })],
    pool: "192.0.2.1",
    want: ["a AddressNotInPool"],
  },
];
for (const { why, applicants, pool, reserved, want } of rows) {
  test(why, () => {
    expect([...shared(applicants, pool, reserved)].sort()).toEqual([...want].sort());
  });
}

test("what is no run of addresses is named, and the rest is the pool", () => {
  const pool = parsePool("192.0.2.1 nonsense\n192.0.2.9-192.0.2.3,192.0.2.5/24 192.0.2.8/31");
  expect(pool.malformed).toEqual(["nonsense", "192.0.2.9-192.0.2.3", "192.0.2.5/24"]);
  expect(pool.runs.length).toBe(2);
});

const address = fc.integer({ min: 0, max: 9 }).map((last) => `192.0.2.${last}`);
const applicantArb = fc.record({
  key: fc.constantFrom("a", "b", "c", "d", "e", "f"),
  asked: fc.oneof(fc.constant(""), address),
  address: fc.oneof(fc.constant(""), address),
  announcer: fc.constantFrom("", "n1", "n2", "n4"),
  nodes: fc.uniqueArray(fc.constantFrom<string>("n1", "n2", "n3")).map((nodes) => new Set<string>(nodes)),
});

test("no address is given twice or from outside, announcers are able, and the same question again changes nothing", () => {
  const applicants = fc.uniqueArray(applicantArb, { selector: ({ key }) => key });
  fc.assert(
    fc.property(applicants, fc.array(address), (some, pool) => {
      const shares = shareOut(some, parsePool(pool.join(" ")), new Set());
      const given = some.flatMap((each) => {
        const share = shares.get(each.key);
        return share?.is === "given" ? [{ ...each, ...share }] : [];
      });
      expect(new Set(given.map((each) => each.address)).size).toBe(given.length);
      for (const each of given) {
        expect(pool).toContain(each.address);
        expect(each.announcer === "" ? each.nodes.size === 0 : each.nodes.has(each.announcer)).toBe(true);
        if (each.asked !== "") expect(each.address).toBe(each.asked);
      }
      const again = some.map((each) => {
        const share = shares.get(each.key);
        return share?.is === "given" ? { ...each, ...share } : { ...each, address: "", announcer: "" };
      });
      expect([...shareOut(again, parsePool(pool.join(" ")), new Set())].sort()).toEqual([...shares].sort());
    }),
  );
});
