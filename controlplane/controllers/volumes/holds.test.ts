import { describe, expect, test } from "vitest";
import { encodeObject, keyOf, storeKey, type Typed } from "../../../kinds/object.js";
import type { ControlWorld } from "../../../test/kit/control-world.js";
import {
  claimIn,
  classNamed,
  newWorld,
  nodeNamed,
  nodeOf,
  onNode,
  podNamed,
  putClaim,
  putVolume,
  refusalOf,
} from "../../../test/kit/volume-world.js";

describe("volumes that nobody makes, for the claims of pods that are placed at once", () => {
  /** Node a, which all pods prefer, and node b, each with volumes; then the claims and pods of those names, all in one turn. */
  async function placed(there: Readonly<Record<string, string>>, names: readonly string[]): Promise<ControlWorld> {
    const world = await newWorld();
    const big = { ...nodeNamed("node-a"), spec: undefined };
    await world.put({
      kind: "Node",
      object: {
        ...big,
        status: big.status && { ...big.status, allocatable: { cpu: "400", memory: "800Gi", pods: "110" } },
      },
    });
    await world.put({ kind: "StorageClass", object: classNamed("manual", "WaitForFirstConsumer") });
    for (const [name, node] of Object.entries(there))
      await putVolume(world, name, "1Gi", { storageClassName: "manual", ...onNode(node) });
    for (const name of names) await putClaim(world, name, { storageClassName: "manual" });
    await world.converge();
    const pods = names.map((name): Typed => ({ kind: "Pod", object: podNamed(name, name) }));
    const writes = pods.map(
      (typed) => ({ op: "put", key: storeKey(keyOf(typed)), value: encodeObject(typed) }) as const,
    );
    await world.store.transact({ checks: [], writes });
    await world.converge(15_000);
    return world;
  }

  test("no node gets more pods than it has volumes, and each claim the volume of its pod's node", async () => {
    const world = await placed({ va: "node-a", vb: "node-b", wb: "node-b" }, ["x", "y", "z"]);
    const nodes = ["x", "y", "z"].map((name) => nodeOf(world, name));
    expect([...nodes].sort()).toEqual(["node-a", "node-b", "node-b"]);
    const bound = ["x", "y", "z"].map((name) => claimIn(world, name)?.spec?.volumeName ?? "");
    expect(new Set(bound).size).toBe(3);
    expect(bound.map((name) => `node-${name.at(-1)}`)).toEqual(nodes);
    for (const name of ["x", "y", "z"]) expect(claimIn(world, name)?.status?.phase).toBe("Bound");
  });

  test("who comes too late waits without a node, and takes the volume that comes", async () => {
    const world = await placed({ va: "node-a" }, ["x", "y"]);
    const late = ["x", "y"].find((name) => (nodeOf(world, name) ?? "") === "") ?? "";
    expect(["x", "y"].filter((name) => nodeOf(world, name) === "node-a")).toHaveLength(1);
    expect(refusalOf(world, late)).toContain("no volume is available for claim");
    await putVolume(world, "wb", "1Gi", { storageClassName: "manual", ...onNode("node-b") });
    await world.converge();
    expect(nodeOf(world, late)).toBe("node-b");
    expect(claimIn(world, late)?.status?.phase).toBe("Bound");
  });
});
