import { expect, test } from "vitest";
import { LIMITS } from "../../lib/limits.js";
import { memoryNetwork } from "../../lib/transport/memory.js";
import { ManualClock } from "../../test/kit/manual-clock.js";
import { AddressBook } from "./address-book.js";

function bookOf(...addresses: readonly string[]): AddressBook {
  return new AddressBook(memoryNetwork(new ManualClock()).dialer({ name: "node-a", role: "node" }), addresses);
}

test("a leader that failed is not believed in until every other control plane has been asked once more", () => {
  const book = bookOf("a:1", "b:1", "c:1");
  expect(book.current).toBe("a:1");
  book.failed("a:1");
  expect(book.current).toBe("b:1");
  book.prefer("a:1", "b:1"); // Its lease has not run out yet.
  expect(book.current).toBe("c:1");
  book.prefer("a:1", "c:1");
  expect(book.current).toBe("a:1");
  book.failed("a:1");
  book.prefer("c:1", book.current);
  expect(book.current).toBe("c:1");
});

test("with one control plane its hint towards itself is followed", () => {
  const book = bookOf("a:1");
  book.failed("a:1");
  book.prefer("a:1", "a:1");
  expect(book.current).toBe("a:1");
});

test("where heartbeats are rare one waits as much longer before another try", () => {
  const book = bookOf("a:1");
  const retry = { firstMs: 100, maxMs: 2_000 };
  expect(book.waits(retry)).toEqual(retry);
  book.beatEvery(2_500);
  expect(book.waits(retry)).toEqual({ firstMs: 500, maxMs: 10_000, jitter: 0.9 });
  book.beatEvery(0);
  expect(book.waits(retry)).toEqual(retry);
});

test("those that live come first, those known before stay behind them, within the limit", () => {
  const book = bookOf("a:1");
  book.learn(["b:1", "c:1"]);
  expect(book.known).toEqual(["b:1", "c:1", "a:1"]);
  book.learn(["c:1"]);
  expect(book.known).toEqual(["c:1", "b:1", "a:1"]);
  book.learn([]);
  expect(book.known).toEqual(["c:1", "b:1", "a:1"]);
  const many = Array.from({ length: 40 }, (_, at) => `n${at}:1`);
  book.learn(many);
  expect(book.known).toEqual(many.slice(0, LIMITS.knownControlPlanes.value));
});

test("who has failed without a word is waited for ever longer until it says something, where there is another to ask", () => {
  const book = bookOf("a:1", "b:1");
  const patience = LIMITS.suspectPatienceMs.value;
  expect(book.patienceMs("a:1")).toBeUndefined();
  book.failed("a:1");
  expect(book.patienceMs("a:1")).toBe(patience);
  book.failed("b:1", true);
  expect(book.patienceMs("b:1")).toBeUndefined();
  book.failed("a:1");
  expect(book.patienceMs("a:1")).toBe(2 * patience);
  book.heard("a:1");
  expect(book.patienceMs("a:1")).toBeUndefined();
  const alone = bookOf("a:1");
  alone.failed("a:1");
  expect(alone.patienceMs("a:1")).toBeUndefined();
});
