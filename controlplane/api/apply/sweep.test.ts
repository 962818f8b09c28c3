import { afterEach, expect, test } from "vitest";
import type { Typed } from "../../../kinds/object.js";
import { limit } from "../../../lib/limits.js";
import { silentLog } from "../../../lib/log.js";
import { DeleteRequest } from "../../../proto/gen/tallship/v1/api.js";
import { ConfigMap } from "../../../proto/gen/tallship/v1/configmap.js";
import { ADMIN, type ApiBench, openApiBench } from "../../../test/kit/api-bench.js";
import { CONTENT } from "../../store/keys.js";
import { keepContentsSwept, type SweepDeps, sweepContents } from "./sweep.js";

let bench: ApiBench;
afterEach(() => bench.close());

const signal = new AbortController().signal;
const config = (name: string, data: Record<string, string>): Typed => ({
  kind: "ConfigMap",
  object: ConfigMap.fromPartial({ metadata: { name, namespace: "default" }, data }),
});
const deps = (): SweepDeps => ({ ...bench.deps, log: silentLog });
const contentCount = async (): Promise<number> => (await bench.store.list(CONTENT.plain)).entries.length;

async function removeRevision(name: string): Promise<void> {
  const request = DeleteRequest.fromPartial({ name: { kind: "Revision", namespace: "default", name } });
  await bench.api.delete(request, bench.as(ADMIN));
  await bench.caughtUp();
}

test("contents go with the last revision that names them, and not before", async () => {
  bench = await openApiBench();
  await bench.apply([config("a", { k: "1" }), config("b", { k: "1" })]);
  await bench.apply([config("a", { k: "2" }), config("b", { k: "1" })]);
  expect(await contentCount()).toBe(3);
  expect(await sweepContents(deps(), signal)).toBe(0);
  await removeRevision("web-2");
  expect(await sweepContents(deps(), signal)).toBe(1);
  await removeRevision("web-1");
  expect(await sweepContents(deps(), signal)).toBe(2);
  expect(await contentCount()).toBe(0);
});

test("a content that a large object refers to stays although no revision names it", async () => {
  bench = await openApiBench();
  await bench.apply([config("a", { large: "x".repeat(limit("appliedInlineBytes")), drop: "1" })]);
  await removeRevision("web-1");
  expect(await sweepContents(deps(), signal)).toBe(0);
  await bench.apply([config("a", { large: "y" })]);
  const after = await bench.get("ConfigMap", "default", "a");
  expect(after?.kind === "ConfigMap" && after.object.data).toEqual({ large: "y" });
});

test("the members of a large set's revision stay", async () => {
  bench = await openApiBench();
  await bench.apply(Array.from({ length: limit("revisionMembers") + 1 }, (_, at) => config(`c${at}`, {})));
  const before = await contentCount();
  expect(await sweepContents(deps(), signal)).toBe(0);
  expect(await contentCount()).toBe(before);
});

test("what an apply under way puts again while it is being collected stays", async () => {
  bench = await openApiBench();
  const set = [config("a", { k: "1" })];
  await bench.apply(set);
  await removeRevision("web-1");
  const { store } = bench;
  const racing = {
    ...store,
    list: async (...args: Parameters<typeof store.list>) => {
      const listing = await store.list(...args);
      // Between the note and the removal another set names the same content.
      if (args[0] === CONTENT.plain) await bench.apply(set, { set: "other", manager: "other" });
      return listing;
    },
  };
  await sweepContents({ ...deps(), store: racing }, signal);
  expect(await contentCount()).toBe(1);
});

test("the leader sweeps when a revision went, and not otherwise", async () => {
  bench = await openApiBench();
  const stop = new AbortController();
  const sweeping = keepContentsSwept(deps(), stop.signal);
  await bench.apply([config("a", { k: "1" })]);
  await bench.clock.advance(limit("contentSweepMs"));
  await bench.caughtUp();
  const { revision } = bench.etcd;
  await bench.clock.advance(limit("contentSweepMs") * 3);
  expect(bench.etcd.revision).toBe(revision);
  await removeRevision("web-1");
  await bench.clock.advance(limit("contentSweepMs"));
  await bench.caughtUp();
  expect(await contentCount()).toBe(0);
  stop.abort();
  await sweeping;
});
