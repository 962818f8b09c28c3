import type { IEvent, IWatchResponse } from "etcd3";
import { describe, expect, test } from "vitest";
import { WatchPosition } from "./watch-position.js";

function event(path: string, revision: number, type: "Put" | "Delete" = "Put"): IEvent {
  const pair = { key: Buffer.from(path), value: Buffer.from("x"), mod_revision: String(revision) };
  const kv = { ...pair, create_revision: "1", version: "1", lease: "0" };
  return { type, kv, prev_kv: kv };
}

function response(events: readonly IEvent[], parts: Partial<IWatchResponse> = {}): IWatchResponse {
  const header = { cluster_id: "1", member_id: "1", raft_term: "1", revision: "900" };
  const rest = { created: false, canceled: false, compact_revision: "0", cancel_reason: "", fragment: false };
  return { header, watch_id: "0", ...rest, events: [...events], ...parts };
}

const progress = (revision: number): IWatchResponse =>
  response([], { header: { cluster_id: "1", member_id: "1", raft_term: "1", revision: String(revision) } });

// What a position after revision 10 of the prefixes /a/ and /c/ delivers for each row's responses: "revision: revisions of the events".
const rows = [
  {
    name: "events, and the position is the last one's, not the header's",
    take: [response([event("/a/x", 11), event("/a/y", 14)])],
    want: ["14: 11 14"],
  },
  { name: "nothing for the answer to its creation", take: [response([], { created: true })], want: [] },
  {
    name: "events at or before the position are doubles",
    take: [response([event("/a/x", 9), event("/a/x", 10)])],
    want: [],
  },
  {
    name: "the rest of a response whose first events are doubles",
    take: [response([event("/a/x", 10), event("/a/x", 11)])],
    want: ["11: 11"],
  },
  {
    name: "the parts of a response as one",
    take: [response([event("/a/x", 11)], { fragment: true }), response([event("/a/y", 11)])],
    want: ["11: 11 11"],
  },
  {
    name: "keys between the prefixes only as progress",
    take: [response([event("/b/x", 11), event("/a/x", 12), event("/b/x", 13)]), response([event("/b/x", 14)])],
    want: ["13: 12", "14: "],
  },
  { name: "deletes", take: [response([event("/a/x", 11, "Delete")])], want: ["11: 11"] },
  { name: "progress", take: [progress(50)], want: ["50: "] },
  { name: "no progress backwards", take: [progress(10)], want: [] },
  {
    name: "what follows progress",
    take: [progress(50), response([event("/a/x", 50), event("/a/x", 51)])],
    want: ["50: ", "51: 51"],
  },
];

describe("a watch position delivers", () => {
  test.each(rows)("$name", ({ take, want }) => {
    const position = new WatchPosition(["/a/", "/c/"], 10);
    const got = take
      .map((one) => position.take(one))
      .filter((batch) => batch !== undefined)
      .map(({ revision, events }) => {
        const revisions = events.map((one) => (one.type === "put" ? one.entry.revision : one.revision));
        return `${revision}: ${revisions.join(" ")}`;
      });
    expect(got).toEqual(want);
  });
});

test("parts that a broken stream never finished are not delivered twice", () => {
  const position = new WatchPosition(["/a/"], 10);
  position.take(response([event("/a/x", 11)], { fragment: true }));
  position.restart();
  expect(position.revision).toBe(10);
  expect(position.take(response([event("/a/x", 11), event("/a/y", 11)]))?.events).toHaveLength(2);
});

test("a compacted position is lost history; any other end is not", () => {
  const position = new WatchPosition(["/a/"], 10);
  expect(() => position.take(response([], { canceled: true, compact_revision: "12" }))).toThrow("compacted up to 12");
  expect(() => position.take(response([], { canceled: true, cancel_reason: "no leader" }))).toThrow("no leader");
});
