import fc from "fast-check";
import { expect, test } from "vitest";
import { Endpoint } from "../../../proto/gen/tallship/v1/endpointslice.js";
import { pack } from "./pack.js";

const endpoint = (name: string, ready = true): Endpoint =>
  Endpoint.fromPartial({ addresses: [`10.0.0.${name}`], targetRef: { uid: name, name }, conditions: { ready } });
const endpoints = (names: string): readonly Endpoint[] => [...names].map((name) => endpoint(name));
const held = (...slices: readonly string[]) => slices.map((names, slice) => ({ slice, endpoints: endpoints(names) }));
const names = (list: readonly Endpoint[]): string => list.map(({ targetRef }) => targetRef?.name).join("");

/** The packing as text: slices kept ("*" when changed), added and removed. */
function run(slices: readonly string[], wanted: string, most = 3): string {
  const packing = pack(held(...slices), endpoints(wanted), most);
  const kept = packing.kept.map((each) => `${each.slice}:${names(each.endpoints)}${each.isChanged ? "*" : ""}`);
  return [
    ...kept,
    ...packing.added.map((each) => `+${names(each)}`),
    ...packing.removed.map((slice) => `-${slice}`),
  ].join(" ");
}

// Each row is a change and the fewest slices that have to change for it.
const rows: readonly [name: string, slices: readonly string[], wanted: string, want: string][] = [
  ["the first endpoints", [], "abcd", "+abc +d"],
  ["nothing changed", ["abc", "de"], "abcde", "0:abc 1:de"],
  ["one that goes changes its slice only", ["abc", "de"], "acde", "0:ac* 1:de"],
  ["a new one takes the place of one that goes", ["abc", "def"], "acdefg", "0:acg* 1:def"],
  ["a new one goes where there is room", ["abc", "de"], "abcdef", "0:abc 1:def*"],
  ["full slices get a neighbour", ["abc"], "abcd", "0:abc +d"],
  ["an empty slice goes", ["abc", "d"], "abc", "0:abc -1"],
  ["the last slice is emptied, not removed", ["ab", "c"], "", "0:* -1"],
  ["scattered endpoints are drawn together", ["a", "b", "c"], "abc", "0:abc* -1 -2"],
];

for (const [name, slices, wanted, want] of rows) test(`pack: ${name}`, () => expect(run(slices, wanted)).toBe(want));

test("an endpoint whose state changed changes in its place", () => {
  const wanted = [endpoint("a"), endpoint("b", false)];
  const packing = pack(held("ab"), wanted, 3);
  expect(packing.kept).toMatchObject([{ isChanged: true, endpoints: wanted }]);
});

test("whatever stood there: every endpoint is in exactly one slice, none is too large, and packing again changes nothing", () => {
  const letters = "abcdefghijkl";
  const content = fc.uniqueArray(fc.constantFrom(...letters), { maxLength: 4 }).map((list) => list.join(""));
  const wantedNames = fc.uniqueArray(fc.constantFrom(...letters)).map((list) => [...list].sort().join(""));
  fc.assert(
    fc.property(fc.array(content, { maxLength: 6 }), wantedNames, (slices, wanted) => {
      const first = pack(held(...slices), endpoints(wanted), 3);
      const after = [...first.kept.map((each) => each.endpoints), ...first.added];
      expect(
        after
          .flatMap((list) => [...names(list)])
          .sort()
          .join(""),
      ).toBe(wanted);
      for (const list of after) expect(list.length).toBeLessThanOrEqual(3);
      const again = pack(
        after.map((list, slice) => ({ slice, endpoints: list })),
        endpoints(wanted),
        3,
      );
      expect(again.kept.some(({ isChanged }) => isChanged)).toBe(false);
      expect([again.added, again.removed]).toEqual([[], []]);
    }),
    { seed: 6, numRuns: 1_000 },
  );
});
