import { expect, test } from "vitest";
import { bytesOf, encodeOnce } from "./encode-once.js";

test("a message that is sent on several streams is encoded for the first of them; any other each time", () => {
  let encodedCount = 0;
  const encode = (): Buffer => {
    encodedCount += 1;
    return Buffer.from([encodedCount]);
  };
  const shared = encodeOnce({ text: "a" });
  const bytes = [bytesOf(shared, encode), bytesOf(encodeOnce(shared), encode), bytesOf(shared, encode)];
  expect(bytes.map((each) => each[0])).toEqual([1, 1, 1]);
  const own = { text: "a" };
  expect([bytesOf(own, encode)[0], bytesOf(own, encode)[0], bytesOf("text", encode)[0]]).toEqual([2, 3, 4]);
});
