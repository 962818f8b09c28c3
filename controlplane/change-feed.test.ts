import { expect, test } from "vitest";
import { limit } from "../lib/limits.js";
import { ConfigMap } from "../proto/gen/tallship/v1/configmap.js";
import type { CacheBatch, CacheChange, WatchCache } from "./cache/view.js";
import { viewOf } from "./cache/view-of.js";
import { ChangeFeed } from "./change-feed.js";

const mapOf = (name: string) =>
  ({ kind: "ConfigMap", object: ConfigMap.fromPartial({ metadata: { name, namespace: "default" } }) }) as const;

/** A cache of two objects whose changes the test sends. */
function world() {
  const view = viewOf([mapOf("a"), mapOf("b")]);
  let listener: ((batch: CacheBatch) => void) | undefined;
  const cache: WatchCache = {
    view,
    clusterEpoch: "epoch",
    waitFor: () => Promise.resolve(),
    batchesAfter: () => undefined,
    subscribe: (wanted) => {
      listener = wanted;
      return () => {
        listener = undefined;
      };
    },
  };
  const change = (name: string, kind: CacheChange["key"]["kind"] = "ConfigMap"): CacheChange => ({
    key: { kind, namespace: "default", name },
    before: undefined,
    after: undefined,
    revision: 3,
  });
  return {
    view,
    cache,
    change,
    send: (changes: readonly CacheChange[]) => listener?.({ changes, revision: 3 }),
    isOpen: () => listener !== undefined,
  };
}

const drain = (feed: ChangeFeed): readonly string[] => {
  const names: string[] = [];
  for (let next = feed.next(); next !== undefined; next = feed.next()) names.push(next.key.name);
  return names;
};

test("what is there comes first, then the changes in order, of the wanted kinds only", () => {
  const { view, cache, change, send } = world();
  const feed = new ChangeFeed(view, ["ConfigMap"]);
  let calls = 0;
  feed.follow(cache, { onMore: () => (calls += 1), onBehind: () => undefined });
  send([change("a"), change("pod", "Pod")]);
  send([change("c")]);
  expect(drain(feed)).toEqual(["a", "b", "a", "c"]);
  expect(calls).toBe(2);
  send([change("d")]);
  expect(drain(feed)).toEqual(["d"]);
  feed.restart();
  expect(drain(feed)).toEqual(["a", "b"]);
});

test("a reader that falls too far behind is told, and gets nothing more", () => {
  const { view, cache, change, send, isOpen } = world();
  const feed = new ChangeFeed(view, ["ConfigMap"]);
  let behind = 0;
  feed.follow(cache, { onMore: () => undefined, onBehind: () => (behind += 1) });
  drain(feed);
  const many = Array.from({ length: limit("leaderBacklogChanges") }, (_, at) => change(`map-${at}`));
  send(many);
  expect(behind).toBe(0);
  send([change("one-more")]);
  expect([behind, isOpen(), drain(feed)]).toEqual([1, false, []]);
});
