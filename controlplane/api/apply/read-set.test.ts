import { afterEach, expect, test } from "vitest";
import { encodeObject, type Typed } from "../../../kinds/object.js";
import { ApplyHeader, type ApplyRequest } from "../../../proto/gen/tallship/v1/api.js";
import { ConfigMap } from "../../../proto/gen/tallship/v1/configmap.js";
import { Revision } from "../../../proto/gen/tallship/v1/revision.js";
import { ADMIN, type ApiBench, openApiBench, requestsOf } from "../../../test/kit/api-bench.js";

let bench: ApiBench;
afterEach(() => bench.close());

const config = (name: string, data: Record<string, string>): Typed => ({
  kind: "ConfigMap",
  object: ConfigMap.fromPartial({ metadata: { name, namespace: "default" }, data }),
});

// Each row is a stream that is no set; nothing of it may be written.
const streams: readonly { readonly name: string; readonly parts: readonly ApplyRequest["part"][] }[] = [
  { name: "nothing", parts: [] },
  {
    name: "a document before the header",
    parts: [{ $case: "document", value: { object: Buffer.alloc(0), source: "" } }],
  },
  {
    name: "two headers",
    parts: [1, 2].map(() => ({ $case: "header" as const, value: ApplyHeader.fromPartial({ set: "web" }) })),
  },
  { name: "a message of a later version", parts: [undefined] },
  { name: "a bad manager", parts: [{ $case: "header", value: ApplyHeader.fromPartial({ manager: "a b" }) }] },
];
for (const { name, parts } of streams) {
  test(`a stream of ${name} is refused`, async () => {
    bench = await openApiBench();
    const stream = async function* () {
      for (const part of parts) yield { part };
    };
    await expect(bench.api.apply(stream(), bench.as(ADMIN))).rejects.toMatchObject({ code: "invalid_argument" });
  });
}

test("a set without documents is no apply, and one without a name is named for its documents", async () => {
  bench = await openApiBench();
  expect(await bench.apply([])).toMatchObject({ results: [], revisionName: "" });
  const names: string[] = [];
  for (const set of [[config("a", {})], [config("a", { k: "1" })], [config("b", {})]])
    names.push((await bench.apply(set, { set: "" })).revisionName);
  expect(names[0]).toMatch(/^set-[0-9a-f]{12}-1$/);
  expect(names[1]).toBe(names[0]?.replace(/1$/, "2"));
  expect(names[2]?.slice(0, 16)).not.toBe(names[0]?.slice(0, 16));
  await expect(bench.apply([config("a", {})], { set: "Not A Name" })).rejects.toMatchObject({
    code: "invalid_argument",
  });
});

test("a document that cannot be read fails for itself, with its source, and keeps the set from being written", async () => {
  bench = await openApiBench();
  const stream = async function* (): AsyncGenerator<ApplyRequest> {
    yield* requestsOf([config("a", {})]);
    yield { part: { $case: "document", value: { object: Buffer.from("nonsense"), source: "b.yaml:1:1" } } };
    const revision: Typed = {
      kind: "Revision",
      object: Revision.fromPartial({ metadata: { name: "r", namespace: "default" } }),
    };
    yield { part: { $case: "document", value: { object: Buffer.from(encodeObject(revision)), source: "c.yaml:1:1" } } };
  };
  const { results } = await bench.api.apply(stream(), bench.as(ADMIN));
  expect(results.map(({ outcome }) => outcome)).toEqual(["skipped", "failed", "failed"]);
  expect(results[1]?.message).toBe("b.yaml:1:1: decode object: malformed bytes");
  expect(results[2]?.message).toContain("written by the server alone");
});
