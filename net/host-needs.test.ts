import { expect, test } from "vitest";
import { droppingChains, dropRemedy } from "./host-needs.js";

const listing = (chains: readonly object[]): string =>
  JSON.stringify({ nftables: [{ metainfo: { version: "1.0.6" } }, ...chains.map((chain) => ({ chain }))] });
const chain = (change: object): object => ({
  family: "ip",
  table: "filter",
  name: "FORWARD",
  handle: 1,
  type: "filter",
  hook: "forward",
  prio: 0,
  policy: "drop",
  ...change,
});

// Which chains of others can lose pods' packets.
const rows = [
  { why: "docker's forward policy", change: {}, isNamed: true },
  { why: "a firewall's input policy", change: { hook: "input", name: "input", family: "inet" }, isNamed: true },
  { why: "a policy that accepts", change: { policy: "accept" }, isNamed: false },
  { why: "a chain that is no base chain", change: { hook: undefined, policy: undefined }, isNamed: false },
  { why: "another hook", change: { hook: "output" }, isNamed: false },
  { why: "another family", change: { family: "ip6" }, isNamed: false },
];
for (const { why, change, isNamed } of rows) {
  test(`${why} is ${isNamed ? "" : "not "}named`, () => {
    expect(droppingChains(listing([chain(change)])).length).toBe(isNamed ? 1 : 0);
  });
}

test("what nft does not say names nothing", () => {
  for (const text of ["", "nonsense", "{}"]) expect(droppingChains(text)).toEqual([]);
});

test("the remedy names the chain", () => {
  const [found] = droppingChains(listing([chain({})]));
  expect(found === undefined ? "" : dropRemedy(found)).toContain("nft add rule ip filter FORWARD");
});
