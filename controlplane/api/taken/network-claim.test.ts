import { afterEach, expect, test } from "vitest";
import type { Typed } from "../../../kinds/object.js";
import { encodeObject } from "../../../kinds/object.js";
import { DeleteRequest } from "../../../proto/gen/tallship/v1/api.js";
import { Network } from "../../../proto/gen/tallship/v1/network.js";
import { ADMIN, type ApiBench, openApiBench } from "../../../test/kit/api-bench.js";

let bench: ApiBench;
afterEach(() => bench.close());

type Spec = NonNullable<Parameters<typeof Network.fromPartial>[0]["spec"]>;
const network = (name: string, spec: Spec = {}, namespace = "default"): Typed<"Network"> => ({
  kind: "Network",
  object: Network.fromPartial({ metadata: { name, namespace }, spec }),
});
const specOf = (typed: Typed | undefined): Network["spec"] =>
  typed?.kind === "Network" ? typed.object.spec : undefined;

test("networks of one set get ranges and identifiers of their own, apart from the cluster's", async () => {
  bench = await openApiBench();
  const { results } = await bench.apply([network("front"), network("back"), network("safe", { encrypted: true })]);
  expect(results.map(({ outcome }) => outcome)).toEqual(["created", "created", "created"]);
  await bench.caughtUp();
  const specs = (await bench.list({ kind: "Network" })).map(specOf);
  expect(new Set(specs.map((spec) => spec?.subnet))).toEqual(
    new Set(["10.64.0.0/20", "10.64.16.0/20", "10.64.32.0/20"]),
  );
  const vnis = specs.flatMap((spec) => spec?.vni ?? []);
  expect(new Set(vnis).size).toBe(2);
});

// Each row is refused, and says with whom it clashes.
const clashes = [
  { spec: { subnet: "10.200.0.0/16" }, says: "10.200.0.0/16 overlaps 10.128.0.0/9 of the cluster's own pods" },
  { spec: { subnet: "10.96.4.0/24" }, says: "overlaps 10.96.0.0/12 of the cluster's services" },
  { spec: { subnet: "172.28.3.0/24" }, says: "172.28.3.0/24 overlaps 172.28.0.0/16 of Network default/first" },
  { spec: { subnet: "172.29.0.0/16", vni: 77 }, says: "77 is that of Network default/first" },
  { spec: { subnet: "172.29.0.1/16" }, says: "host bits are set" },
  { spec: { driver: "bridge", vni: 5 }, says: "spec.vni: only for driver overlay without encryption" },
  { spec: { subnet: "172.29.0.0/24", nodePrefixLength: 24 }, says: "want 25 to 30 for 172.29.0.0/24, found 24" },
] as const;

for (const { spec, says } of clashes)
  test(`refused: ${says}`, async () => {
    bench = await openApiBench();
    await bench.create(network("first", { subnet: "172.28.0.0/16", vni: 77 }));
    await expect(bench.create(network("second", spec, "kube-system"))).rejects.toThrow(says);
  });

test("a range is free again once its network is deleted, and stays when the network is written without it", async () => {
  bench = await openApiBench();
  await bench.create(network("first", { subnet: "172.28.0.0/16" }));
  const object = Buffer.from(encodeObject(network("first", { internal: true })));
  await bench.api.update({ object, dryRun: false }, bench.as(ADMIN));
  expect(specOf(await bench.get("Network", "default", "first"))).toMatchObject({
    subnet: "172.28.0.0/16",
    internal: true,
  });
  const name = { kind: "Network", namespace: "default", name: "first" };
  await bench.api.delete(DeleteRequest.fromPartial({ name }), bench.as(ADMIN));
  await bench.caughtUp();
  await bench.create(network("second", { subnet: "172.28.0.0/16" }));
});
