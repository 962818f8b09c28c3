import { afterEach, beforeEach, expect, test } from "vitest";
import type { Typed } from "../../../kinds/object.js";
import { type ApplyResponse, UndoRequest } from "../../../proto/gen/tallship/v1/api.js";
import { ConfigMap } from "../../../proto/gen/tallship/v1/configmap.js";
import { Secret } from "../../../proto/gen/tallship/v1/secret.js";
import { ADMIN, type ApiBench, openApiBench } from "../../../test/kit/api-bench.js";

let bench: ApiBench;
beforeEach(async () => {
  bench = await openApiBench();
});
afterEach(() => bench.close());

const config = (name: string, value: string): Typed => ({
  kind: "ConfigMap",
  object: ConfigMap.fromPartial({ metadata: { name, namespace: "default" }, data: { k: value } }),
});
const secret = (value: string): Typed => ({
  kind: "Secret",
  object: Secret.fromPartial({ metadata: { name: "s", namespace: "default" }, data: { k: Buffer.from(value) } }),
});

async function heldBy(name: string): Promise<string | undefined> {
  await bench.caughtUp();
  const typed = await bench.get("ConfigMap", "default", name);
  return typed?.kind === "ConfigMap" ? typed.object.data["k"] : undefined;
}

async function apply(
  documents: readonly Typed[],
  header: Parameters<ApiBench["apply"]>[1] = {},
): Promise<ApplyResponse> {
  const answer = await bench.apply(documents, { set: "shop", ...header });
  await bench.caughtUp();
  return answer;
}

async function undo(request: Partial<UndoRequest> = {}): Promise<ApplyResponse> {
  const answer = await bench.api.undo(
    UndoRequest.fromPartial({ set: "shop", namespace: "default", ...request }),
    bench.as(ADMIN),
  );
  await bench.caughtUp();
  return answer;
}

const outcomes = ({ results }: ApplyResponse): readonly string[] =>
  results.map(({ name, outcome }) => `${name?.name} ${outcome}`);

test("an undo brings contents back, secrets too, deletes what came since, and can be undone", async () => {
  await apply([config("a", "1"), secret("one")]);
  await apply([config("a", "2"), secret("two"), config("b", "new")]);
  const back = await undo();
  expect(outcomes(back)).toEqual(["a configured", "s configured", "b deleted"]);
  expect(back.revisionName).toBe("shop-3");
  expect([await heldBy("a"), await heldBy("b")]).toEqual(["1", undefined]);
  const held = await bench.get("Secret", "default", "s");
  expect(held?.kind === "Secret" && Buffer.from(held.object.data["k"] ?? "").toString()).toBe("one");
  expect(outcomes(await undo())).toEqual(["a configured", "s configured", "b created"]);
  expect([await heldBy("a"), await heldBy("b")]).toEqual(["2", "new"]);
});

test("an undo goes to any revision, gives back what the set had taken over, and tries out", async () => {
  await bench.apply([config("b", "others")], { set: "other" });
  await apply([config("a", "1")]);
  await apply([config("a", "2"), config("b", "ours")]);
  await apply([config("a", "3"), config("b", "more")]);
  expect(outcomes(await undo({ to: 1, dryRun: true }))).toEqual(["a configured", "b configured"]);
  expect(await heldBy("b")).toBe("more");
  await undo({ to: 1 });
  expect([await heldBy("a"), await heldBy("b")]).toEqual(["1", "others"]);
  await expect(undo({ to: 9 })).rejects.toThrow('undo set "shop": there is no revision 9, only 1, 2, 3, 4');
  await expect(undo({ set: "none" })).rejects.toThrow('no set "none" was applied');
});

test("an undo that would take another manager's field is refused and writes nothing", async () => {
  await apply([config("a", "1")]);
  await apply([config("a", "2")]);
  await bench.apply([config("a", "3")], { set: "theirs", manager: "bot", force: true });
  const answer = await undo();
  expect(answer.results[0]).toMatchObject({ outcome: "failed", code: "field_conflict" });
  expect(answer.results[0]?.message).toContain("manager bot applied another value");
  expect(await heldBy("a")).toBe("3");
  await undo({ force: true });
  expect(await heldBy("a")).toBe("1");
});

test("prune deletes what the set made and names no more, and nothing else", async () => {
  await apply([config("a", "1"), config("b", "1"), config("c", "1"), config("d", "1")]);
  await bench.apply([config("c", "1")], { set: "other" });
  await bench.create(config("e", "1"));
  // Gone and made anew by somebody else: not the set's any more.
  await bench.api.delete(
    { name: { kind: "ConfigMap", namespace: "default", name: "d" }, uid: "", propagation: "", dryRun: false },
    bench.as(ADMIN),
  );
  await bench.caughtUp();
  await bench.create(config("d", "2"));
  const preview = await apply([config("a", "1")], { dryRun: true });
  expect(preview.dropped.map(({ name }) => name)).toEqual(["b"]);
  const name = (text: string): { kind: string; namespace: string; name: string } => ({
    kind: "ConfigMap",
    namespace: "default",
    name: text,
  });
  await expect(apply([config("a", "1")], { prune: [name("e")] })).rejects.toThrow(
    "it is none of the objects that the set has dropped",
  );
  // An apply without pruning does not forget what was dropped.
  await apply([config("a", "2")]);
  expect(outcomes(await apply([config("a", "2")], { prune: [name("b")] }))).toEqual(["a unchanged", "b deleted"]);
  expect(await Promise.all(["a", "b", "c", "d", "e"].map(heldBy))).toEqual(["2", undefined, "1", "2", "1"]);
  expect((await apply([config("a", "2")], { dryRun: true })).dropped).toEqual([]);
});

test("nothing is pruned when a document is refused", async () => {
  await apply([config("a", "1"), config("b", "1")]);
  const answer = await apply([config("A", "1")], { prune: [{ kind: "ConfigMap", namespace: "default", name: "b" }] });
  expect(outcomes(answer)).toEqual(["A failed", "b skipped"]);
  expect(await heldBy("b")).toBe("1");
});

test("a set that is too large for one value is undone and pruned as any other", async () => {
  const many = (count: number, value: string): Typed[] =>
    Array.from({ length: count }, (_, at) => config(`m-${String(at).padStart(4, "0")}`, value));
  await apply(many(1_001, "1"));
  await apply(many(1_003, "2"));
  const back = await undo();
  expect(outcomes(back).filter((text) => text.endsWith("deleted"))).toEqual(["m-1001 deleted", "m-1002 deleted"]);
  expect([await heldBy("m-1000"), await heldBy("m-1002")]).toEqual(["1", undefined]);
  const preview = await apply(many(1_000, "1"), { dryRun: true });
  expect(preview.dropped.map(({ name }) => name)).toEqual(["m-1000"]);
});
