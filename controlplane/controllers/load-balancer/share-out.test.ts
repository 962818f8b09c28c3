import fc from "fast-check";
import { expect, test } from "vitest";
import { familyOf } from "../../../net/family.js";
import { isInPool, parsePool } from "./address-pool.js";
import { type Applicant, type Share, shareOut } from "./share-out.js";

const ALL = new Set(["n1", "n2", "n3"]);
const wants = (key: string, change: Partial<Applicant> = {}): Applicant => ({
  key,
  families: ["IPv4"],
  wantsAll: false,
  asked: "",
  addresses: [],
  announcer: "",
  nodes: ALL,
  ...change,
});
const BOTH: Partial<Applicant> = { families: ["IPv4", "IPv6"] };
const shared = (applicants: readonly Applicant[], pool: string, reserved: readonly string[] = []): readonly string[] =>
  [...shareOut(applicants, parsePool(pool), { reserved: new Set(reserved) })].map(([key, share]) =>
    share.is === "given" ? `${key} ${share.addresses.join("+")} ${share.announcer}` : `${key} ${share.reason}`,
  );

test("an address that a service names as an external one is given only when no other is left", () => {
  const avoided = new Set(["192.0.2.1"]);
  const given = shareOut([wants("a"), wants("b")], parsePool("192.0.2.1-192.0.2.2"), { reserved: new Set(), avoided });
  expect([...given.values()].map((share) => share.is === "given" && share.addresses.join())).toEqual([
    "192.0.2.2",
    "192.0.2.1",
  ]);
});

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
    applicants: [wants("old"), wants("held", { addresses: ["192.0.2.1"], announcer: "n2" })],
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
    applicants: [wants("a", { addresses: ["192.0.2.1"], announcer: "gone" })],
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
    applicants: [wants("a", { addresses: ["198.51.100.1"], announcer: "n1" })],
    pool: "192.0.2.1",
    want: ["a 192.0.2.1 n1"],
  },
  {
    why: "a service of both families gets an address of each, in its order, and one node answers for both",
    applicants: [wants("a", { families: ["IPv6", "IPv4"] }), wants("b", BOTH)],
    pool: "192.0.2.1-192.0.2.2 2001:db8::/120",
    want: ["a 2001:db8::1+192.0.2.1 n1", "b 192.0.2.2+2001:db8::2 n2"],
  },
  {
    why: "who prefers both families takes what there is, who requires both waits",
    applicants: [wants("strict", { ...BOTH, wantsAll: true }), wants("prefers", BOTH)],
    pool: "192.0.2.1",
    want: ["strict NoAddressPool", "prefers 192.0.2.1 n1"],
  },
  {
    why: "a second address comes beside the one that is held, and goes with its family",
    applicants: [
      wants("grows", { ...BOTH, addresses: ["192.0.2.2"], announcer: "n3" }),
      wants("shrinks", { addresses: ["192.0.2.3", "2001:db8::1"], announcer: "n2" }),
    ],
    pool: "192.0.2.1-192.0.2.9 2001:db8::1",
    want: ["grows 192.0.2.2+2001:db8::1 n3", "shrinks 192.0.2.3 n2"],
  },
  {
    why: "what somebody had who is refused goes to who was short of it",
    applicants: [
      wants("strict", { ...BOTH, wantsAll: true, addresses: ["192.0.2.1"], announcer: "n1" }),
      wants("a", { addresses: [], asked: "192.0.2.1" }),
    ],
    pool: "192.0.2.1",
    want: ["strict NoAddressPool", "a 192.0.2.1 n1"],
  },
  {
    why: "an address of a family that the service does not have is refused, one that is asked for of a family is that family's",
    applicants: [wants("a", { asked: "2001:db8::5" }), wants("b", { ...BOTH, asked: "2001:db8::5" })],
    pool: "192.0.2.1 2001:db8::1-2001:db8::9",
    want: ["a AddressNotInPool", "b 192.0.2.1+2001:db8::5 n1"],
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

test("a node with a burden announces only where none without it can, and keeps what it announces", () => {
  const burdens = new Map([
    ["n1", 2],
    ["n2", 1],
  ]);
  const announcers = (...applicants: readonly Applicant[]): readonly string[] =>
    [...shareOut(applicants, parsePool("192.0.2.1-192.0.2.9"), { reserved: new Set() }, burdens).values()].map(
      (share) => (share.is === "given" ? share.announcer : share.reason),
    );
  expect(announcers(wants("a"), wants("b"))).toEqual(["n3", "n3"]);
  expect(announcers(wants("a", { nodes: new Set(["n1", "n2"]) }), wants("b", { nodes: new Set(["n1"]) }))).toEqual([
    "n2",
    "n1",
  ]);
  expect(announcers(wants("a", { addresses: ["192.0.2.1"], announcer: "n1" }))).toEqual(["n1"]);
});

test("what is no run of addresses is named, and the rest is the pool", () => {
  const pool = parsePool("192.0.2.1 nonsense\n192.0.2.9-192.0.2.3,192.0.2.5/24 192.0.2.8/31");
  expect(pool.malformed).toEqual(["nonsense", "192.0.2.9-192.0.2.3", "192.0.2.5/24"]);
  expect(pool.runs.length).toBe(2);
});

test("ranges of IPv6 are read as those of IPv4 are; mixed and backward ones are named, and a network's first address is its routers'", () => {
  const pool = parsePool("2001:DB8::1 2001:db8::9-2001:db8::3 192.0.2.1-2001:db8::1 2001:db8:1::/126 2001:db8:2::/127");
  expect(pool.malformed).toEqual(["2001:db8::9-2001:db8::3", "192.0.2.1-2001:db8::1"]);
  const inPool = ["2001:db8::1", "2001:db8:1::", "2001:db8:1::1", "2001:db8:1::3", "2001:db8:1::4", "2001:db8:2::"];
  expect(inPool.map((each) => isInPool(pool, each))).toEqual([true, false, true, true, false, true]);
});

const address = fc
  .tuple(fc.constantFrom("192.0.2.", "2001:db8::"), fc.integer({ min: 1, max: 9 }))
  .map(([range, last]) => `${range}${last}`);
const families = fc.constantFrom<Applicant["families"]>(["IPv4"], ["IPv6"], ["IPv4", "IPv6"], ["IPv6", "IPv4"]);
const applicantArb = fc.record({
  key: fc.constantFrom("a", "b", "c", "d", "e", "f"),
  families,
  wantsAll: fc.boolean(),
  asked: fc.oneof(fc.constant(""), address),
  addresses: fc.array(address, { maxLength: 2 }),
  announcer: fc.constantFrom("", "n1", "n2", "n4"),
  nodes: fc.uniqueArray(fc.constantFrom<string>("n1", "n2", "n3")).map((nodes) => new Set<string>(nodes)),
});

test("no address is given twice or from outside, announcers are able, and the same question again changes nothing", () => {
  const applicants = fc.uniqueArray(applicantArb, { selector: ({ key }) => key });
  fc.assert(
    fc.property(applicants, fc.array(address), (some, pool) => {
      const shares = shareOut(some, parsePool(pool.join(" ")), { reserved: new Set() });
      const given = some.flatMap((each) => {
        const share = shares.get(each.key);
        return share?.is === "given" ? [{ ...each, ...share }] : [];
      });
      const all = given.flatMap((each) => each.addresses);
      expect(new Set(all).size).toBe(all.length);
      for (const each of given) {
        for (const one of each.addresses) expect(pool).toContain(one);
        const of = each.addresses.map(familyOf);
        expect(each.families.filter((family) => of.includes(family))).toEqual(of);
        if (each.wantsAll) expect(of).toEqual(each.families);
        expect(each.announcer === "" ? each.nodes.size === 0 : each.nodes.has(each.announcer)).toBe(true);
        if (each.asked !== "") expect(each.addresses).toContain(each.asked);
      }
      const again = some.map((each) => {
        const share = shares.get(each.key);
        return share?.is === "given" ? { ...each, ...share } : { ...each, addresses: [], announcer: "" };
      });
      // What is short may be another family than before: others have got what was left by then.
      const gains = (of: ReadonlyMap<string, Share>): readonly string[] =>
        [...of]
          .map(([key, share]) => `${key} ${JSON.stringify(share.is === "given" ? { ...share, lacking: "" } : {})}`)
          .sort();
      expect(gains(shareOut(again, parsePool(pool.join(" ")), { reserved: new Set() }))).toEqual(gains(shares));
    }),
  );
});
