import fc from "fast-check";
import { expect, test } from "vitest";
import { stableHash, word, wordCount } from "./stable-hash.js";

test("the order of fields and fields that are undefined do not matter, the order of lists does", () => {
  expect(stableHash({ a: 1, b: [1, 2], c: undefined })).toBe(stableHash({ b: [1, 2], a: 1 }));
  expect(stableHash({ b: [2, 1], a: 1 })).not.toBe(stableHash({ b: [1, 2], a: 1 }));
  expect(stableHash({ a: "1" })).not.toBe(stableHash({ a: 1 }));
  expect(stableHash({ a: Uint8Array.of(1) })).not.toBe(stableHash({ a: Uint8Array.of(2) }));
});

test("a hash is ten characters that may stand in a name, and does not change between versions", () => {
  expect(stableHash({ image: "web:1" })).toMatch(/^[b-df-hj-np-tv-xz2-9]{10}$/);
  expect(stableHash({ image: "web:1" })).toBe("mlzksqdw8d");
});

test("words of one length are distinct for distinct numbers", () => {
  fc.assert(
    fc.property(fc.nat({ max: wordCount(3) - 1 }), fc.nat({ max: wordCount(3) - 1 }), (left, right) => {
      expect(word(left, 3) === word(right, 3)).toBe(left === right);
      expect(word(left, 3)).toHaveLength(3);
    }),
    { seed: 5 },
  );
});
