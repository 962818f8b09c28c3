import { beforeEach, expect, test } from "vitest";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import type { ObjectChange } from "./watch-objects.js";
import { podUpdates } from "./watch-pods.js";

let desired: Set<string>;
let update: (changes: readonly ObjectChange[], isWhole?: boolean) => void;
beforeEach(() => {
  desired = new Set();
  const uidOf = (pod: Pod): string => pod.metadata?.uid ?? "";
  const take = podUpdates({
    replaceDesired: (pods) => {
      desired = new Set(pods.map(uidOf));
    },
    setDesired: (pod) => desired.add(uidOf(pod)),
    dropDesired: (uid) => desired.delete(uid),
  });
  update = (changes, isWhole = false) => take({ changes, revision: 1, isWhole });
});

const put = (name: string, uid: string): ObjectChange => ({
  key: `Pod/default/${name}`,
  typed: { kind: "Pod", object: Pod.fromPartial({ metadata: { name, namespace: "default", uid } }) },
});
const gone = (name: string): ObjectChange => ({ key: `Pod/default/${name}`, typed: undefined });

test("pods come and go", () => {
  update([put("a", "1"), put("b", "2")], true);
  update([put("c", "3"), gone("a")]);
  expect([...desired]).toEqual(["2", "3"]);
});

test("a pod that goes and one of its name that comes in one update are told apart", () => {
  update([put("db-0", "old")], true);
  update([gone("db-0"), put("db-0", "new")]);
  expect([...desired]).toEqual(["new"]);
  update([put("db-0", "newer")]);
  expect([...desired]).toEqual(["newer"]);
});

test("what a whole picture leaves out is gone, and may come again under its name", () => {
  update([put("db-0", "old")], true);
  update([], true);
  update([put("db-0", "new")]);
  update([gone("db-0")]);
  expect([...desired]).toEqual([]);
});
